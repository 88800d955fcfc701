"""How far the workers' clocks are ahead of the master's: by messages that carry when they came and went."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ASK, ANSWER = "stampede_clock", "stampede_clock_answer"


@dataclass(slots=True)
class Clock:
    """How far a worker's clock is ahead of ours, from the times that messages and their replies carry."""

    estimates: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=8))
    """Round trip and offset in seconds: the latest few, since clocks drift."""

    def learn(self, asked: float, received: float, replied: float, now: float) -> None:
        """Take in one exchange: `asked` and `now` by our clock, `received` and `replied` by the worker's."""
        round_trip = (now - asked) - (replied - received)
        self.estimates.append((round_trip, ((received - asked) + (replied - now)) / 2))

    @property
    def offset(self) -> float:
        """Seconds; from the quickest exchange, which can be wrong by half its round trip at most."""
        return min(self.estimates, default=(0.0, 0.0))[1]

    @property
    def uncertainty(self) -> float:
        """Seconds by which the offset can be wrong."""
        return min(self.estimates, default=(0.0, 0.0))[0] / 2


class Clocks:
    """Those of the workers, by their ids, as a master asks for them."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._clocks: defaultdict[str, Clock] = defaultdict(Clock)
        self._worst: dict[str, tuple[float, float]] = {}
        runner.register_message(ANSWER, self._answered)

    def begin(self) -> None:
        """A run begins: what was known is not of it."""
        self._clocks.clear()
        self._worst.clear()

    def ask(self, workers: Iterable[str]) -> None:
        """Ask each once; the answers come by themselves."""
        for worker in workers:
            self._runner.send_message(ASK, {"asked": time.time()}, client_id=worker)

    def _answered(self, msg: Any, **_: Any) -> None:
        said = msg.data
        clock = self._clocks[msg.node_id]
        clock.learn(said["asked"], said["received"], said["replied"], time.time())
        known = self._worst.get(msg.node_id), (clock.offset, clock.uncertainty)
        self._worst[msg.node_id] = max(filter(None, known), key=lambda told: abs(told[0]) - told[1])

    def worst(self) -> dict[str, tuple[float, float]]:
        """Return, by the worker's id, by how many seconds its clock was ahead when it was furthest from
        right, and by how many that can be wrong."""
        return dict(self._worst)


def answer_clocks(runner: Any) -> None:
    """Have a worker answer."""

    def answer(msg: Any, **_: Any) -> None:
        received = time.time()
        runner.send_message(ANSWER, {**msg.data, "received": received, "replied": time.time()})

    runner.register_message(ASK, answer)

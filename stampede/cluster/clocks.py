"""How far each worker's clock is ahead of the master's, measured with time-stamped messages."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ASK, ANSWER = "stampede_clock", "stampede_clock_answer"
"""The master's message to a worker, and the worker's answer."""


@dataclass(slots=True)
class Clock:
    """How far a worker's clock is ahead of the master's, from exchanges of two messages."""

    estimates: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=8))
    """Round trip and offset in seconds, of the latest exchanges only, since clocks drift."""

    def add_exchange(self, asked: float, received: float, replied: float, now: float) -> None:
        """Add an estimate from one exchange.

        `asked` and `now` are times of the master's clock, `received` and `replied` of the worker's.
        """
        round_trip = (now - asked) - (replied - received)
        self.estimates.append((round_trip, ((received - asked) + (replied - now)) / 2))

    @property
    def offset(self) -> float:
        """Return the offset in seconds by the quickest exchange: its error is at most half the round trip."""
        return min(self.estimates, default=(0.0, 0.0))[1]

    @property
    def uncertainty(self) -> float:
        """Return the largest possible error of the offset, in seconds."""
        return min(self.estimates, default=(0.0, 0.0))[0] / 2


class Clocks:
    """The clocks of a master's workers, by the worker's id."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._clocks: defaultdict[str, Clock] = defaultdict(Clock)
        self._worst: dict[str, tuple[float, float]] = {}
        runner.register_message(ANSWER, self._on_answer)

    def begin(self) -> None:
        """Forget the estimates of the previous run."""
        self._clocks.clear()
        self._worst.clear()

    def ask(self, workers: Iterable[str]) -> None:
        """Ask each worker for its time once, without waiting for the answers."""
        for worker in workers:
            self._runner.send_message(ASK, {"asked": time.time()}, client_id=worker)

    def _on_answer(self, msg: Any, **_: Any) -> None:
        times = msg.data
        clock = self._clocks[msg.node_id]
        clock.add_exchange(times["asked"], times["received"], times["replied"], time.time())
        candidates = self._worst.get(msg.node_id), (clock.offset, clock.uncertainty)
        self._worst[msg.node_id] = max(filter(None, candidates), key=_least_error)

    def worst_offsets(self) -> dict[str, tuple[float, float]]:
        """Return the largest offset of each worker in the run and its uncertainty, in seconds."""
        return dict(self._worst)


def _least_error(estimate: tuple[float, float]) -> float:
    """Return by how many seconds the clock is wrong at least."""
    offset, uncertainty = estimate
    return abs(offset) - uncertainty


def answer_clock_requests(runner: Any) -> None:
    """Let a worker answer the master's requests for its time."""

    def answer(msg: Any, **_: Any) -> None:
        received = time.time()
        runner.send_message(ANSWER, {**msg.data, "received": received, "replied": time.time()})

    runner.register_message(ASK, answer)

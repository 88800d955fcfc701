"""When users change workers, as those come and go. Pure.

Some stop, others start elsewhere, on a machine that may just have started a process. For a moment users are
missing; and it is a ramp for each worker that takes part in it, to be judged as little as the run's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stampede.facts.event import Event

AFTER_A_LOSS = 11.0
"""Seconds after the last report of a worker that died until all users are there: ten from its death, which
no one saw, and the one until it would have reported again."""

AFTER_A_MOVE = 5.0
"""Seconds after a worker has come, gone or returned until all users are there."""

BEFORE_IT_LEFT = 5.0
"""Seconds that a worker which leaves may take to stop its users: it is gone when they are."""


@dataclass(frozen=True, slots=True)
class Move:
    """An event that has users change workers for a while. Times are seconds since the epoch."""

    what: str
    start: float
    end: float

    def covers(self, second: int) -> bool:
        """Return whether a second is in it. Users are counted as a second begins; the event may be later in
        the one before."""
        return int(self.start) <= second <= self.end


def moves(events: Iterable[Event]) -> Iterator[Move]:
    """Yield the moves among the events of a run."""
    for event in events:
        what = f"worker {event.worker} {event.name.removeprefix('worker_')}"
        match event.name:
            case "worker_lost":
                died = event.last_report or event.at
                yield Move(what, died, max(died + AFTER_A_LOSS, event.at))
            case "worker_joined" | "worker_returned":
                yield Move(what, event.at, event.at + AFTER_A_MOVE)
            case "worker_left":
                yield Move(what, event.at - BEFORE_IT_LEFT, event.at + AFTER_A_MOVE)


def settled(seconds: range, events: Iterable[Event]) -> list[int]:
    """Return those of a window's seconds in which no user was on the way; all where there is none."""
    found = list(moves(events))
    at_rest = [second for second in seconds if not any(move.covers(second) for move in found)]
    return at_rest or [*seconds]

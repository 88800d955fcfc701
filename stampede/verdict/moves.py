"""When users move between workers, as workers join and leave. Pure.

Users stop on one worker and start on another, perhaps on a machine where a process has just started. For a
moment users are missing. For each worker involved it is a ramp: like the ramp of the run, it is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import floor

from stampede.facts.event import Event

AFTER_A_LOSS = 11.0
"""Seconds from the last report of a worker that died until all users run again: one until its next report was
due, and ten from its death."""

AFTER_A_MOVE = 5.0
"""Seconds after a worker has joined, left or returned until all users run again."""

BEFORE_LEAVING = 5.0
"""Seconds that a leaving worker may take to stop its users, before the event that it has left."""


@dataclass(frozen=True, slots=True)
class Move:
    """A time in which users move between workers, and its cause. Times are seconds since the epoch."""

    what: str
    start: float
    end: float

    def covers(self, second: int) -> bool:
        """Return whether a second is part of the move.

        Users are counted at the start of a second; the cause may come later in that second.
        """
        return second in self.seconds

    @property
    def seconds(self) -> range:
        """Return the seconds that are part of the move."""
        return range(int(self.start), floor(self.end) + 1)


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
                yield Move(what, event.at - BEFORE_LEAVING, event.at + AFTER_A_MOVE)


def without_moves(seconds: range, events: Iterable[Event]) -> list[int]:
    """Return the seconds in which no users moved. FAST and VALID judge no others."""
    moving = moving_seconds(events)
    return [second for second in seconds if second not in moving]


def moving_seconds(events: Iterable[Event]) -> set[int]:
    """Return all seconds in which users moved."""
    return {second for move in moves(events) for second in move.seconds}


def settled(seconds: range, events: Iterable[Event]) -> list[int]:
    """Return the seconds of a window in which no users moved; all seconds where there is no such second."""
    return without_moves(seconds, events) or [*seconds]

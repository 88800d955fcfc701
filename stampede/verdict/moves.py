"""When users change workers, as those come and go. Pure.

Some stop, others start elsewhere, on a machine that may just have started a process. For a moment users are
missing; and it is a ramp for each worker that takes part in it, to be looked at as little as the run's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stampede.facts.check import moment

AFTER_A_LOSS = 11.0
"""Seconds after the last report of a worker that died until all users are there: ten from its death, which
nobody saw, and the one until it would have reported again."""

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
        """Users are counted as a second begins; the event may be later in the one before."""
        return int(self.start) <= second <= self.end


def moves(events: Iterable[Mapping[str, Any]]) -> Iterator[Move]:
    """Those among the events of a run."""
    for event in events:
        at = moment(event).timestamp()
        what = f"worker {event.get('worker')} {str(event['name']).removeprefix('worker_')}"
        match event["name"]:
            case "worker_lost":
                died = event.get("last_report") or at
                yield Move(what, died, max(died + AFTER_A_LOSS, at))
            case "worker_joined" | "worker_returned":
                yield Move(what, at, at + AFTER_A_MOVE)
            case "worker_left":
                yield Move(what, at - BEFORE_IT_LEFT, at + AFTER_A_MOVE)


def settled(seconds: range, events: Iterable[Mapping[str, Any]]) -> list[int]:
    """Those of a window's seconds in which no user was on the way; all where there is none."""
    found = list(moves(events))
    at_rest = [second for second in seconds if not any(move.covers(second) for move in found)]
    return at_rest or [*seconds]

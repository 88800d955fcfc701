"""When users were at rest on their workers. Pure.

As workers come and go users change places: some stop, others start elsewhere, on a machine that has just
started a process. That is a ramp, for each worker that takes part in it, and is looked at as little as the
run's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stampede.check import moment

MOVING = 5.0
"""Seconds within which users have changed workers."""

MOVES = {"worker_joined": 1.0, "worker_left": MOVING, "worker_lost": 1.0, "worker_returned": 1.0}
"""Events that have users change workers, and how many seconds before they may have begun to: who leaves stops
its users first."""


def settled(seconds: range, events: Iterable[Mapping[str, Any]]) -> list[int]:
    """Those of a window's seconds in which no user was on the way; all where there is none."""
    moves = [
        (moment(event).timestamp() - MOVES[event["name"]], moment(event).timestamp() + MOVING)
        for event in events
        if event["name"] in MOVES
    ]
    at_rest = [second for second in seconds if not any(start < second <= end for start, end in moves)]
    return at_rest or [*seconds]

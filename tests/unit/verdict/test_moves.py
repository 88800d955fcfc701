"""When users are on the way from worker to worker, and when they are at rest."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.event import Event
from stampede.verdict.moves import settled, without_moves

START = 1767225600
"""2026-01-01 00:00:00 UTC."""
WINDOW = range(START, START + 20)


@pytest.mark.parametrize(
    ("name", "moving"),
    [
        ("worker_joined", range(8, 14)),
        ("worker_returned", range(8, 14)),
        ("worker_lost", range(8, 20)),
        ("worker_left", range(3, 14)),  # its users stop before it is gone
        ("depleted", range(0)),
    ],
)
def test_users_are_on_the_way_around_a_change_of_workers(name: str, moving: range) -> None:
    """Which was at 8.5 s."""
    at_rest = settled(WINDOW, [Event(name=name, at=START + 8.5)])
    assert [second - START for second in WINDOW if second not in at_rest] == [*moving]


@pytest.mark.parametrize(
    ("event", "moving"),
    [
        # a worker died at its last report, and eleven seconds later all users run again
        ({"name": "worker_lost", "at": 6.5, "last_report": 2.2}, range(2, 14)),
        ({"name": "worker_lost", "at": 6.0, "last_report": 2.0}, range(2, 14)),
        # or when its loss is noticed, where that is later
        ({"name": "worker_lost", "at": 16.5, "last_report": 2.2}, range(2, 17)),
        # it never reported
        ({"name": "worker_lost", "at": 2.5}, range(2, 14)),
        ({"name": "worker_joined", "at": 8.0}, range(8, 14)),
    ],
)
def test_a_move_ends_in_time(event: dict[str, Any], moving: range) -> None:
    """Its last second is part of it, also where it ends as that second begins."""
    times = {name: START + event[name] for name in ("at", "last_report") if name in event}
    at_rest = settled(WINDOW, [Event(**(event | times))])
    assert [second - START for second in WINDOW if second not in at_rest] == [*moving]


def test_where_they_never_are_at_rest_all_of_it_counts() -> None:
    """A run is not trusted because nobody looked at it."""
    events = [Event(name="worker_joined", at=START + second) for second in (0, 5, 10, 15)]
    assert settled(WINDOW, events) == [*WINDOW]
    assert without_moves(WINDOW, events) == [], "FAST measures nothing then"

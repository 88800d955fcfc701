"""When the target did not answer, second by second."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.verdict.silences import is_silence, silences, silent_so_far
from tests.facts import make

ANSWERED: dict[str, Any] = {"requests": 9, "max_ms": 20.0}
NOTHING: dict[str, Any] = {}
REFUSED: dict[str, Any] = {"requests": 9, "failures": 9, "unanswered": 9, "max_ms": 0.9}
ONE_ANSWER: dict[str, Any] = {"requests": 9, "failures": 8, "unanswered": 8, "max_ms": 0.9}
NO_USERS: dict[str, Any] = {"users": 0}


def late(milliseconds: float) -> dict[str, Any]:
    """An answer after so long."""
    return {"requests": 1, "max_ms": milliseconds}


def timed_out(milliseconds: float) -> dict[str, Any]:
    return {"requests": 1, "failures": 1, "unanswered": 1, "max_ms": milliseconds}


def rows(*seconds: dict[str, Any]) -> list[Second]:
    return [make(Second, **{"second": 100 + place, "users": 5, **row}) for place, row in enumerate(seconds)]


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        ([], []),
        ([ANSWERED] * 5, []),
        # a freeze: what was sent before it is answered after it
        ([ANSWERED, *[NOTHING] * 3, late(4_000)], [(101, 104)]),
        ([ANSWERED, *[NOTHING] * 2, late(3_000)], []),
        # sent as a second began, and a moment before it
        ([ANSWERED, *[NOTHING] * 3, late(3_000)], []),
        ([ANSWERED, *[NOTHING] * 3, late(3_001)], [(101, 104)]),
        # a run of one user
        ([ANSWERED, *[{"users": 1}] * 3, late(4_000)], [(101, 104)]),
        # only some of the time is known to be waited in
        ([ANSWERED, *[NOTHING] * 6, late(3_500)], [(104, 107)]),
        # nobody wants anything
        ([ANSWERED, *[NOTHING] * 9, ANSWERED], []),
        # every connection is refused
        ([ANSWERED, *[REFUSED] * 4, ANSWERED], [(101, 105)]),
        ([ANSWERED, *[REFUSED] * 2, ONE_ANSWER, *[REFUSED] * 2, ANSWERED], []),
        # until the end, where what is in flight is cut off
        ([ANSWERED, *[NOTHING] * 3, timed_out(4_000)], [(101, 105)]),
        ([ANSWERED, *[NOTHING] * 5, NO_USERS, {**NO_USERS, **timed_out(6_500)}], [(101, 106)]),
        # twice
        ([*[REFUSED] * 3, ANSWERED, *[REFUSED] * 3], [(100, 103), (104, 107)]),
        # from the first second on
        ([*[NOTHING] * 3, late(1e9)], [(100, 103)]),
    ],
)
def test_three_seconds_without_an_answer_are_a_silence(
    seconds: list[dict[str, Any]], found: list[tuple[int, int]]
) -> None:
    """If somebody waits, or fails, in each of them."""
    events = [*silences(rows(*seconds))]
    assert [(event.at, event.facts["until"]) for event in events] == found
    assert all(event.facts["seconds"] == event.facts["until"] - event.at for event in events)
    assert all(map(is_silence, events))


@pytest.mark.parametrize(
    "event",
    [
        Event(name="target_silent", at=1.0),
        Event(name="target_silent", at=1.0, facts={"until": "noon", "seconds": 3}),
        Event(name="api_gone", at=1.0, facts={"until": 4, "seconds": 3}),
    ],
)
def test_an_event_of_an_audit_with_its_name_is_no_silence(event: Event) -> None:
    assert not is_silence(event)


@pytest.mark.parametrize(
    ("seconds", "silent"),
    [
        ([], 0),
        ([ANSWERED] * 9, 0),
        ([ANSWERED, *[NOTHING] * 4], 0),  # the last two may not have been reported yet
        ([ANSWERED, *[NOTHING] * 5], 5),
        ([ANSWERED, *[REFUSED] * 7], 7),
        ([*[NOTHING] * 9, ANSWERED], 0),
        ([*[NO_USERS] * 9], 0),
    ],
)
def test_that_nothing_was_answered_of_late_is_known_while_a_run_goes_on(
    seconds: list[dict[str, Any]], silent: int
) -> None:
    assert silent_so_far(rows(*seconds)) == silent

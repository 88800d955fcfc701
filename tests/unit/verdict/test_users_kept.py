"""Were the users there that were wanted? What is told of dips, and which of them an event explains."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.verdict_json import Check
from stampede.verdict.users_kept import users_kept
from tests.facts import facts

START = 1767225600
"""2026-01-01 00:00:00 UTC."""


def event(name: str, at: float, **known: Any) -> dict[str, Any]:
    return {"name": name, "at": START + at, "worker": "3-ab12", **known}


def check(
    users: list[int], *events: dict[str, Any], wanted: list[int] | None = None, **changes: Any
) -> Check:
    """Of a run with these users as its seconds began; the window opens as all were there."""
    targets = wanted or [20] * len(users)
    seconds = [
        {"second": START + number, "users": there, "target_users": target}
        for number, (there, target) in enumerate(zip(users, targets, strict=True))
    ]
    window = {"start": START + 3, "end": START + len(users)}
    run = {"profile": "ci", "users": 20, "window": window, "seconds": seconds, "events": [*events]}
    return users_kept(facts(**{**run, **changes}))


RAMP = [0, 10]


@pytest.mark.parametrize(
    ("users", "events", "detail"),
    [
        ([*RAMP, 20, 20], [], "20 users"),
        # an event alone is no news
        ([*RAMP, 20, 20], [event("worker_left", 2)], "20 users"),
        (
            [*RAMP, 20, 15, 18, 20],
            [event("worker_joined", 2.7)],
            "20 users; 15 of 20 users at 00:00:03, for 2 s: worker 3-ab12 joined",
        ),
        # who leaves stops its users first
        (
            [*RAMP, 20, 15, 10, 20],
            [event("worker_left", 4.5)],
            "20 users; 10 of 20 users at 00:00:03, for 2 s: worker 3-ab12 left",
        ),
        # a kill is noticed later than it was
        (
            [*RAMP, 20, 20, 20, 20, 20, 20, 15, 15, 20],
            [event("worker_lost", 7.9, last_report=START + 3.2)],
            "20 users; 15 of 20 users at 00:00:08, for 2 s: worker 3-ab12 lost",
        ),
        # also before it had reported anything
        (
            [*RAMP, 20, 15, 20],
            [event("worker_lost", 3, last_report=None)],
            "20 users; 15 of 20 users at 00:00:03, for 1 s: worker 3-ab12 lost",
        ),
        # two events, of which the first explains only the first second
        (
            [*RAMP, *[20] * 5, 15, 15, 20],
            [event("worker_joined", 2.7), event("worker_left", 9.9)],
            "20 users; 15 of 20 users at 00:00:07, for 2 s: worker 3-ab12 joined, worker 3-ab12 left",
        ),
        # two dips, each with its event
        (
            [*RAMP, 20, 15, 20, 20, 20, 20, 20, 20, 19, 20],
            [event("worker_joined", 2.7), event("worker_returned", 9.9)],
            "20 users; 15 of 20 users at 00:00:03, for 1 s: worker 3-ab12 joined; and 1 more",
        ),
    ],
)
def test_a_dip_that_an_event_explains_is_told(
    users: list[int], events: list[dict[str, Any]], detail: str
) -> None:
    """A PASS, that says what happened."""
    told = check(users, *events)
    assert (told.verdict, told.detail, told.count) == ("PASS", detail, 0)


@pytest.mark.parametrize(
    ("users", "events", "detail"),
    [
        ([*RAMP, 20, 19, 20], [], "19 of 20 users at 00:00:03, for 1 s: no event explains it"),
        # more than are wanted are another load, too
        ([*RAMP, 20, 25, 20], [], "25 of 20 users at 00:00:03, for 1 s: no event explains it"),
        ([*RAMP, 20, 19, 20, 18], [], "19 of 20 users at 00:00:03, for 1 s; and 1 more"),
        # what was over long before explains nothing, nor does what came after
        ([*RAMP, *[20] * 9, 19, 20], [event("worker_joined", 4.9)], "19 of 20 users at 00:00:11"),
        ([*RAMP, 20, 19, *[20] * 9], [event("worker_joined", 4.1)], "19 of 20 users at 00:00:03"),
        # five seconds after a worker has come, eleven after the last report of one that died
        ([*RAMP, 20, *[15] * 8], [event("worker_joined", 2.9)], "15 of 20 users at 00:00:03, for 8 s"),
        (
            [*RAMP, 20, *[15] * 14],
            [event("worker_lost", 4, last_report=START + 2.5)],
            "15 of 20 users at 00:00:03, for 14 s",
        ),
        # others' troubles are none of the users'
        ([*RAMP, 20, 19, 20], [event("api_restarted", 3)], "19 of 20 users at 00:00:03"),
        # never there at all
        ([*RAMP, 19, 18], [], "at most 19 of 20 users ran at the same time"),
    ],
)
def test_a_dip_that_nothing_explains_makes_the_run_unknown(
    users: list[int], events: list[dict[str, Any]], detail: str
) -> None:
    """It was another load than the one that was asked for."""
    told = check(users, *events)
    assert told.verdict == "UNKNOWN"
    assert told.detail.startswith(detail)


def test_every_stage_is_kept_to() -> None:
    """The way from one to the next is no dip."""
    wanted = [10] * 3 + [20] * 3 + [10] * 3
    assert check([5, 10, 10, 13, 20, 20, 16, 10, 10], wanted=wanted).detail == "20 users"
    told = check([5, 10, 10, 13, 17, 19, 16, 10, 10], wanted=wanted)
    assert (told.verdict, told.detail) == ("UNKNOWN", "at most 19 of 20 users ran at the same time")


@pytest.mark.parametrize(
    ("users", "verdict"),
    [
        ([5, 10, 10, 13, 20, 20, 16, 13], "PASS"),
        # what had its time is asked for all the same
        ([5, 10, 10, 13, 17, 19, 16, 13], "UNKNOWN"),
        # and who was there has to stay
        ([5, 10, 10, 13, 20, 20, 10, 9], "UNKNOWN"),
    ],
)
def test_a_stage_that_a_target_cut_off_may_have_been_on_its_way(users: list[int], verdict: str) -> None:
    """Its users were never promised for this moment: the answer is the target's."""
    wanted = [10] * 3 + [20] * 3 + [10] * 2
    assert check(users, wanted=wanted, aborted="p99 < 2s for 10s, abort: 2500ms").verdict == verdict


def test_a_target_excuses_nobody_who_was_never_there() -> None:
    """Of a single stage all users are there before a target is looked at."""
    told = check([*RAMP, 19, 18], aborted="p99 < 2s for 10s, abort: 2500ms")
    assert told.verdict == "UNKNOWN"


def test_who_drives_by_hand_may_change_the_number_on_the_way() -> None:
    """What was wanted last must have been there."""
    wanted = [30, 30, 20, 20]
    assert check([0, 10, 15, 20], wanted=wanted, profile=None).verdict == "PASS"
    assert check([0, 10, 15, 18], wanted=wanted, profile=None).verdict == "UNKNOWN"
    wanted = [30, 20, 10]
    assert check([0, 10, 10], wanted=wanted, profile=None).verdict == "PASS"
    assert check([0, 10, 9], wanted=wanted, profile=None).verdict == "UNKNOWN"


def test_users_who_stop_at_the_end_are_not_missing() -> None:
    """The second of the stop, and those after it, say nothing."""
    users = [*RAMP, 20, 20, 5, 0]
    assert check(users, window={"start": START + 3, "end": START + 4}).verdict == "PASS"


def test_without_a_window_it_is_not_asked() -> None:
    """That it has none is another check's affair."""
    told = check([*RAMP, 19], window=None)
    assert (told.verdict, told.detail) == ("NOT_ASKED", "not checked: the run was too short")


def ended(second: int, users: int, cause: str = "KeyError at users.py:14") -> dict[str, Any]:
    return {"second": START + second, "users": users, "cause": cause}


@pytest.mark.parametrize(
    ("users", "rows", "verdict"),
    [
        ([*RAMP, 20, 20, 18, 18], [ended(3, 2)], "PASS"),
        ([*RAMP, 19, 19, 19, 19], [ended(1, 1)], "PASS"),  # never all at the same time
        ([*RAMP, 20, 20, 17, 17], [ended(3, 2)], "UNKNOWN"),  # one more is missing than has ended
        ([*RAMP, 20, 18, 18, 18], [ended(5, 2)], "UNKNOWN"),  # they were missing before they ended
    ],
)
def test_users_that_ended_by_themselves_are_not_missing(
    users: list[int], rows: list[dict[str, Any]], verdict: str
) -> None:
    found = check(users, ended_users=rows)
    assert found.verdict == verdict
    if verdict == "PASS":
        assert "ended by exceptions: " in found.detail
        assert "KeyError at users.py:14" in found.detail


def test_the_causes_are_listed_by_their_number() -> None:
    rows = [ended(3, 1, "StopUser"), ended(4, 2, "StopUser")]
    assert (
        check([*RAMP, 20, 19, 17], ended_users=rows).detail == "20 users; 3 ended by themselves: 3 × StopUser"
    )


def test_three_causes_are_listed_and_the_others_counted() -> None:
    """It is an exception if one of them is."""
    rows = [ended(3, number, f"E{number}") for number in (5, 4, 3)]
    told = check([*RAMP, 20, 8], ended_users=rows)
    assert told.detail == "20 users; 12 ended by themselves: 5 × E5, 4 × E4, 3 × E3"
    rows.append(ended(3, 1, "KeyError at users.py:14"))
    told = check([*RAMP, 20, 7], ended_users=rows)
    assert told.detail == "20 users; 13 ended by exceptions: 5 × E5, 4 × E4, 3 × E3 and 1 more causes"


def shaped(
    users: list[int],
    planned: list[int],
    *events: dict[str, Any],
    opened: int = 0,
    starting: int = 0,
    **changes: Any,
) -> Check:
    """Of a run with a shape, whose window opened after some of its seconds."""
    seconds = [
        {"second": START + number, "users": there, "target_users": 100, "planned_users": due}
        | {"starting_users": starting}
        for number, (there, due) in enumerate(zip(users, planned, strict=True))
    ]
    window = {"start": START + opened, "end": START + len(users)}
    run = {"profile": "Steps", "shape": "Steps", "window": window, "seconds": seconds, "events": [*events]}
    return users_kept(facts(**{**run, **changes}))


@pytest.mark.parametrize(
    ("users", "planned", "verdict"),
    [
        ([0, 2, 2, 2, 5, 8, 8], [2, 2, 2, 5, 8, 8, 8], "PASS"),  # workers report up to a second later
        ([8, 8, 8, 6, 4, 2, 2], [8, 8, 2, 2, 2, 2, 2], "PASS"),  # they finish their tasks first
        ([2, 2, 2, 2, 2, 2, 2, 2], [2, 2, 8, 8, 8, 8, 8, 8], "UNKNOWN"),  # the change never came
        ([2, 2, 9, 9], [2, 2, 8, 8], "UNKNOWN"),  # more than were ever planned
        ([2, 2, 2, 2, 2, 2, 8], [2, 2, 2, 8, 8, 8, 8], "PASS"),  # three seconds later
        ([2, 2, 2, 2, 2, 2, 2], [2, 2, 2, 8, 8, 8, 8], "UNKNOWN"),  # and no later
        ([*[8] * 17, 2], [8, 8, *[2] * 16], "PASS"),  # fifteen seconds later
        ([*[8] * 18, 2], [8, 8, *[2] * 17], "UNKNOWN"),  # and no later
        ([2, 8, 2, 2], [2, 2, 8, 8], "UNKNOWN"),  # before they were planned
        ([0, 0, 2, 2, 2], [2, 2, 2, 2, 8], "PASS"),
        ([0, 0, 0, 2, 8], [2, 2, 8, 8, 8], "PASS"),  # before the first second none were planned
    ],
)
def test_a_shape_is_compared_with_what_it_and_its_rate_allow(
    users: list[int], planned: list[int], verdict: str
) -> None:
    found = shaped(users, planned)
    assert found.verdict == verdict
    if verdict == "PASS":
        assert found.detail == "2 to 8 users, as the shape Steps and its spawn rate allow"


def test_users_that_a_worker_is_still_starting_are_not_missing() -> None:
    """Their __init__ takes long, as where it reads data. It is shown."""
    found = shaped([2, 3, 4, 4, 5, 5], [8] * 6, starting=4)
    assert found.verdict == "PASS"
    assert found.detail.endswith("; workers took time to start up to 4 of them")
    assert shaped([2, 3, 4, 4, 3, 3], [8] * 6, starting=4).verdict == "UNKNOWN"


def test_a_shape_is_compared_from_the_start_of_the_window() -> None:
    """What was planned and missed before it does not count; its first second does."""
    assert shaped([99, 2, 2, 2], [2, 2, 2, 2], opened=1).verdict == "PASS"
    assert shaped([2, 99, 2, 2], [2, 2, 2, 2], opened=1).verdict == "UNKNOWN"
    told = shaped([2, 2], [2, 2], window={"start": START + 2, "end": START + 2})
    assert (told.verdict, told.detail) == ("NOT_ASKED", "not checked: the run was too short")


def test_a_shape_allows_for_workers_that_join_and_users_that_end() -> None:
    """As a profile does."""
    missing = [8, 8, 8, 8, 8, 6, 6, 6], [8] * 8
    assert shaped(*missing).verdict == "UNKNOWN"
    assert shaped(*missing, event("worker_joined", 4.9)).verdict == "PASS"
    told = shaped(*missing, ended_users=[ended(5, 2, "StopUser")])
    assert (told.verdict, told.count) == ("PASS", 0)
    assert told.detail == (
        "8 to 8 users, as the shape Steps and its spawn rate allow; 2 ended by themselves: 2 × StopUser"
    )
    assert shaped(*missing, ended_users=[ended(5, 1, "StopUser")]).verdict == "UNKNOWN"

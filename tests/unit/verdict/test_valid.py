"""VALID as a whole: which checks there are, and what one that does not hold does to the verdict."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Verdict
from stampede.verdict.valid import valid
from stampede.verdict.verdict import verdict
from tests.facts import facts

START = 1767225600
"""2026-01-01 00:00:00 UTC."""
SECONDS = range(START, START + 12)
SECOND = {"users": 20, "target_users": 20, "requests": 75}
HEALTHY: dict[str, Any] = {
    **{"id": "r", "profile": "heavy", "users": 20, "workers": 2, "host": "http://api"},
    **{"requests": 900, "as_planned": True, "promises": {"contention": "LastItemRace"}},
    "audit": {"checks": []},
    "outcomes": {"GET /": {"200": 900}},
    "counters": {"api": {"GET /": {"200": 900}}},
    "window": {
        **{"start": START + 2, "end": START + 11, "seconds": 9, "rps": 75},
        "total": {"requests": 675, "avg_ms": 4.0},
    },
    "seconds": [{**SECOND, "second": second} for second in SECONDS],
    "pace": {"wanted_rps": 75, "sent_rps": 75},
    "races": [{"shots": 9, "losers": 4, "winners": 5, "overlap": 1.0}],
    "machine": {"generator_shares_cores": False},
    "hub_lag": {"0-ab": {"p99_ms": 1.3, "max_ms": 20.1}},
    "clocks": {"0-ab": {"offset_ms": 1.2, "uncertainty_ms": 0.8}},
    "samples": {
        "master": [{"second": second, "reports_late": 0} for second in SECONDS],
        "workers": {
            "0-ab": [
                {"second": second, "cpu_percent": 13.0, "waited_percent": 10.0, "throttled_percent": 0.0}
                for second in SECONDS
            ]
        },
    },
}
"""The facts of a run in which all went well."""

DROPPED = {
    "name": "message_dropped",
    "at": START + 1.0,
    "worker": "0-ab",
    "facts": {"reason": "stats: no run"},
}

NAMES = [
    *(
        "came_to_its_end",
        "workers_reported",
        "messages_read",
        "figures_agree",
        "all_requests_counted",
        "all_responses_reported",
    ),
    *("rate_reached", "users_kept"),
    *("workers_on_time", "workers_had_cpu", "workers_got_cores", "workers_not_throttled"),
    *("master_kept_up", "clocks_agree", "contention"),
]


def without_races(**changes: Any) -> Facts:
    return facts(**{**HEALTHY, "races": [], "promises": {}, **changes})


def worker(**figures: float) -> dict[str, Any]:
    rows = [{"second": second, **figures} for second in SECONDS]
    return {**HEALTHY["samples"], "workers": {"0-ab": rows}}


def test_a_healthy_run_passes_every_check() -> None:
    """Each says with what figure. The lag of hubs is not judged where racers send all at once."""
    checks = valid(facts(**HEALTHY))
    assert [check.name for check in checks] == NAMES
    assert {check.name: check.verdict for check in checks if check.verdict != "PASS"} == {
        "workers_on_time": "NOT_ASKED"
    }
    assert [check.verdict for check in valid(without_races())].count(Verdict.PASS) == len(NAMES) - 1
    assert all(check.detail for check in checks)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("came_to_its_end", {"as_planned": False}),
        ("workers_reported", {"lost_workers": ["host_1"]}),
        ("all_requests_counted", {"counters": {"api": {"GET /": {"200": 899}}}}),
        ("users_kept", {"seconds": [{**SECOND, "second": second, "users": 19} for second in SECONDS]}),
        ("workers_on_time", {"hub_lag": {"0-ab": {"p99_ms": 7.0}}}),
        ("workers_had_cpu", {"samples": worker(cpu_percent=97.0, throttled_percent=0.0)}),
        ("workers_got_cores", {"samples": worker(cpu_percent=8.0, waited_percent=70.0)}),
        ("workers_not_throttled", {"samples": worker(cpu_percent=9.0, throttled_percent=60.0)}),
        (
            "master_kept_up",
            {"samples": {"master": [{"second": second, "reports_late": 1} for second in SECONDS]}},
        ),
        ("clocks_agree", {"clocks": {"0-ab": {"offset_ms": 3000.0, "uncertainty_ms": 0.8}}}),
        ("clocks_agree", {"clock_set_s": -15.0}),
        ("contention", {"promises": {"contention": "LastItemRace"}}),
        ("all_responses_reported", {"unreported": {"GET /list": 7}}),
        ("messages_read", {"dropped_messages": 2, "events": [DROPPED]}),
        ("figures_agree", {"requests": 901}),
        ("figures_agree", {"failures": 1}),
        ("figures_agree", {"worker_requests": {"0-ab": {"counted": 900, "stated": 907}}}),
        ("figures_agree", {"worker_requests": {"0-ab": {"counted": 899, "stated": 899}}}),
        ("rate_reached", {"pace": {"wanted_rps": 75, "sent_rps": 60}}),
    ],
)
def test_a_check_that_does_not_hold_makes_the_run_unknown(name: str, changes: dict[str, Any]) -> None:
    """Never a pass, and never the target's fault."""
    judged = verdict(without_races(**changes))
    assert (judged.verdict, judged.exit_code) == ("UNKNOWN", 12)
    red = [check for check in judged.valid.checks if check.verdict not in ("PASS", "NOT_ASKED")]
    assert [check.name for check in red] == [name]


@pytest.mark.parametrize(
    ("changes", "verdict", "detail"),
    [
        ({}, "PASS", "a window of 9 s"),
        ({"interrupted": True}, "UNKNOWN", "the master ended during the run"),
        # the locustfile controls its own load
        (
            {"stopped_by": "runner.quit()", "as_planned": False},
            "PASS",
            "a window of 9 s: the locustfile ended it by runner.quit()",
        ),
        (
            {"stopped_by": "runner.quit()", "window": None},
            "PASS",
            "no window: the locustfile ended it by runner.quit()",
        ),
        ({"window": None}, "UNKNOWN", "the run was stopped before all its users had started"),
        # the load after a shape's exception is not the shape's
        (
            {"events": [{"name": "shape_failed", "at": START + 5.0, "facts": {"cause": "KeyError: 9"}}]},
            "UNKNOWN",
            "the shape could not be followed: KeyError: 9",
        ),
        ({"as_planned": False}, "UNKNOWN", "the run was stopped before its planned end"),
    ],
)
def test_a_run_comes_to_its_end(changes: dict[str, Any], verdict: str, detail: str) -> None:
    check = valid(without_races(**changes))[0]
    assert (check.name, check.verdict, check.detail) == ("came_to_its_end", verdict, detail)


DIED_AT_ONCE = {"name": "worker_lost", "at": START + 4.0, "worker": "0-ab", "id": "host_1"}


@pytest.mark.parametrize(
    ("changes", "verdict", "count", "detail"),
    [
        ({}, "PASS", 0, "2 of 2"),
        (
            {"interrupted": True},
            "UNKNOWN",
            0,
            "the master was gone, so workers could not report: the figures end some seconds earlier",
        ),
        (
            {"lost_workers": ["host_1"], "events": [DIED_AT_ONCE]},
            "PASS",
            1,
            "worker host_1 was lost before it reported anything",
        ),
        (
            {"lost_workers": ["host_1", "host_2"], "events": [DIED_AT_ONCE]},
            "UNKNOWN",
            2,
            "lost host_1, host_2: their requests since their last reports are not in the figures",
        ),
    ],
)
def test_every_worker_reports_its_last_figures(
    changes: dict[str, Any], verdict: str, count: int, detail: str
) -> None:
    check = valid(without_races(**changes))[1]
    assert (check.name, check.verdict, check.count, check.detail) == (
        "workers_reported",
        verdict,
        count,
        detail,
    )


@pytest.mark.parametrize(
    ("unreported", "count", "listed"),
    [
        ({}, 0, "the locustfile reported all responses"),
        ({"GET /a": 1, "GET /b": 3, "GET /c": 2}, 6, "3 × GET /b, 2 × GET /c, 1 × GET /a: sent"),
        (
            {"GET /a": 1, "GET /b": 3, "GET /c": 2, "GET /d": 4, "GET /e": 1},
            11,
            "4 × GET /d, 3 × GET /b, 2 × GET /c and 2 more routes: sent",
        ),
    ],
)
def test_the_routes_with_most_unreported_responses_are_named(
    unreported: dict[str, int], count: int, listed: str
) -> None:
    check = valid(without_races(unreported=unreported))[5]
    assert (check.name, check.count) == ("all_responses_reported", count)
    assert check.detail.startswith(listed)


@pytest.mark.parametrize(
    ("overlaps", "verdict", "detail"),
    [
        ((0.5, 0.5), "PASS", "50.0% of 8 losers in 2 races met a winner"),
        ((0.5, 0.49), "UNKNOWN", "49.5% of 8 losers in 2 races met a winner"),
        # losers of a race whose times are not known have met no winner
        ((1.0, None), "PASS", "50.0% of 8 losers in 2 races met a winner"),
        ((0.9, None), "UNKNOWN", "45.0% of 8 losers in 2 races met a winner"),
    ],
)
def test_half_of_the_losers_met_a_winner(
    overlaps: tuple[float | None, ...], verdict: str, detail: str
) -> None:
    races = [{"shots": 9, "losers": 4, "winners": 5, "overlap": overlap} for overlap in overlaps]
    check = valid(facts(**{**HEALTHY, "races": races}))[-1]
    assert (check.name, check.verdict, check.detail) == ("contention", verdict, detail)


def test_a_worker_that_returned_and_never_reported_its_end_is_missed() -> None:
    """That it was lost before explains nothing: it had users again, and nobody saw it go."""
    who = {"worker": "0-ab", "id": "host_1"}
    lost = {**who, "name": "worker_lost", "last_report": START + 3.0, "at_most": 9}
    returned = {**who, "name": "worker_returned", "at": START + 8.0}
    events = [{**lost, "at": START + 4.0}, returned, {**lost, "at": START + 11.0}]
    told = [
        valid(without_races(lost_workers=["host_1"], events=events[:count]))[1].verdict for count in (1, 2, 3)
    ]
    assert told == ["PASS", "UNKNOWN", "PASS"]


@pytest.mark.parametrize("is_noticed", [True, False])
def test_a_worker_that_was_killed_for_memory_is_recognized(is_noticed: bool) -> None:
    """By the kernel's count: the container of the worker is new by then."""
    lost = {"worker": "0-ab", "id": "host_1", "name": "worker_lost", "last_report": START + 3.0, "at_most": 9}
    kill = {"name": "out_of_memory", "at": START + 4.0, "facts": {"processes_killed": 1}}
    events = [kill, *([{**lost, "at": START + 6.0}] if is_noticed else [])]
    check = valid(without_races(lost_workers=["host_1"], events=events))[1]
    assert check.name == "workers_reported"
    assert "killed a process of this machine for lack of memory at" in check.detail
    assert "set a higher WORKER_MEMORY" in check.detail


def test_a_rate_that_a_worker_could_not_send_names_what_held_it_up() -> None:
    """A worker that is throttled shows nothing of the API."""
    throttled = worker(cpu_percent=9.9, throttled_percent=80.0)
    checks = valid(without_races(samples=throttled, pace={"wanted_rps": 75, "sent_rps": 30}))
    details = {check.name: check.detail for check in checks if check.verdict == "UNKNOWN"}
    assert details.keys() == {"rate_reached", "workers_not_throttled"}
    assert details["rate_reached"] == "30 of 75 requests/s were sent: see workers_not_throttled"


def test_a_run_that_a_target_ended_is_the_targets_to_judge() -> None:
    """It came to an end that was asked for."""
    run = without_races(aborted="p99 < 2s for 10s", as_planned=False)
    assert verdict(run).valid.verdict == "PASS"
    assert valid(run)[0].detail == "a target ended the run: p99 < 2s for 10s"


def test_a_foreign_target_is_asked_for_what_there_is() -> None:
    """No counters, no samples, no rate, no targets: nothing that is promised, nothing that fails."""
    there_is_none_of = ("samples", "hub_lag", "clocks", "pace", "counters", "audit", "races", "promises")
    known = {name: of_healthy for name, of_healthy in HEALTHY.items() if name not in there_is_none_of}
    judged = verdict(facts(**known))
    assert (judged.verdict, judged.valid.verdict) == ("NOT_ASKED", "PASS")
    asked = [check for check in judged.valid.checks if check.verdict != "NOT_ASKED"]
    names = [
        *("came_to_its_end", "workers_reported", "messages_read", "figures_agree"),
        *("all_responses_reported", "users_kept"),
    ]
    assert [check.name for check in asked] == names


@pytest.mark.parametrize(
    ("changes", "verdict", "detail"),
    [
        ({"stopped_by": "runner.quit() at users.py:3"}, "PASS", "the locustfile ended it by runner.quit()"),
        ({"shape": "Steps", "as_planned": False}, "PASS", "a window of 9 s, ended by hand"),
        ({"as_planned": False}, "UNKNOWN", "the run was stopped before its planned end"),
        (
            {"events": [{"name": "shape_failed", "at": START + 1.0, "facts": {"cause": "tick() raised"}}]},
            "UNKNOWN",
            "the shape could not be followed: tick() raised",
        ),
    ],
)
def test_who_ended_a_run_decides_whether_it_came_to_its_end(
    changes: dict[str, Any], verdict: str, detail: str
) -> None:
    """The locustfile controls its own load; a shape may have no end."""
    (found, *_) = valid(without_races(**changes))
    assert (found.name, found.verdict) == ("came_to_its_end", verdict)
    assert detail in found.detail

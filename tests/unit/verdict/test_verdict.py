"""The verdict: what a run's facts come to, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.run_json import Facts
from stampede.facts.target import MeasuredTarget, Reading
from stampede.targets import parser
from stampede.verdict.verdict import verdict
from tests.facts import facts

OVERSOLD = {"name": "no_oversell", "verdict": "FAIL", "examined": 3, "count": 1, "detail": "1 product"}
HEALTHY = {"name": "no_oversell", "verdict": "PASS", "examined": 3, "count": 0, "detail": "3 products"}
UNDECIDED = {"name": "sold_out_was_true", "verdict": "UNKNOWN", "examined": 3, "count": 1, "detail": "clocks"}
NOTHING = {"name": "sold_out_was_true", "verdict": "NOT_ASKED", "examined": 0, "count": 0, "detail": "no 409"}
MET = MeasuredTarget(parser.parse("rps >= 1")[0], Reading(1.5, 90, "90 requests"))
MISSED = MeasuredTarget(parser.parse("rps >= 2")[0], Reading(1.5, 90, "90 requests"))
RACE = {"shots": 9, "losers": 4, "winners": 5, "overlap": 1.0}


def run(**changes: Any) -> Facts:
    """The facts of a run in which all went well."""
    healthy = {
        **{"id": "r", "profile": "ci", "users": 9, "workers": 2, "host": "http://api"},
        **{"requests": 100, "as_planned": True, "audit": {"checks": [HEALTHY]}},
        "targets": [MET],
        "window": {"seconds": 60, "rps": 1.5, "total": {"requests": 90}},
    }
    return facts(**{**healthy, **changes})


@pytest.mark.parametrize(
    ("changes", "whole", "exit_code", "parts"),
    [
        ({}, "PASS", 0, ("PASS", "PASS", "PASS")),
        # no audit is registered: nobody asked, and that takes nothing from the rest
        ({"audit": None}, "PASS", 0, ("NOT_ASKED", "PASS", "PASS")),
        # no targets are set: a run is not fast because nothing failed
        ({"targets": []}, "PASS", 0, ("PASS", "NOT_ASKED", "PASS")),
        ({"targets": [], "audit": None}, "NOT_ASKED", 0, ("NOT_ASKED", "NOT_ASKED", "PASS")),
        ({"targets": [], "audit": {"checks": [NOTHING]}}, "NOT_ASKED", 0, ("NOT_ASKED", "NOT_ASKED", "PASS")),
        ({"targets": [], "audit": None, "failures": 1}, "FAIL", 10, ("NOT_ASKED", "FAIL", "PASS")),
        (
            {"targets": [], "audit": None, "exceptions": [{"count": 1}]},
            "FAIL",
            10,
            ("NOT_ASKED", "FAIL", "PASS"),
        ),
        (
            {"targets": [], "audit": None, "as_planned": False},
            "UNKNOWN",
            12,
            ("NOT_ASKED", "NOT_ASKED", "UNKNOWN"),
        ),
        # nothing was answered
        (
            {"targets": [], "audit": None, "window": {"total": {"requests": 0}}},
            "UNKNOWN",
            12,
            ("NOT_ASKED", "UNKNOWN", "PASS"),
        ),
        ({"targets": [MET, MISSED]}, "FAIL", 10, ("PASS", "FAIL", "PASS")),
        ({"audit": {"checks": [HEALTHY, OVERSOLD]}}, "FAIL", 11, ("FAIL", "PASS", "PASS")),
        ({"audit": {"checks": [HEALTHY, UNDECIDED]}}, "UNKNOWN", 12, ("UNKNOWN", "PASS", "PASS")),
        ({"audit": {"checks": [OVERSOLD, UNDECIDED]}}, "FAIL", 11, ("FAIL", "PASS", "PASS")),
        # what crashed is not passed
        ({"audit": {"error": "it crashed"}}, "UNKNOWN", 12, ("UNKNOWN", "PASS", "PASS")),
        # nothing to look at: fine, unless somebody promised it
        ({"audit": {"checks": [HEALTHY, NOTHING]}}, "PASS", 0, ("PASS", "PASS", "PASS")),
        (
            {"audit": {"checks": [HEALTHY, NOTHING]}, "promises": {"sold_out_was_true": "Depletion"}},
            "UNKNOWN",
            12,
            ("UNKNOWN", "PASS", "PASS"),
        ),
        # a promised check that examined something has its own verdict
        (
            {"audit": {"checks": [HEALTHY]}, "promises": {"no_oversell": "Race"}},
            "PASS",
            0,
            ("PASS", "PASS", "PASS"),
        ),
        (
            {"audit": {"checks": [OVERSOLD]}, "promises": {"no_oversell": "Race"}},
            "FAIL",
            11,
            ("FAIL", "PASS", "PASS"),
        ),
        # what was seen while it went on stands, whatever the audit could say at the end
        ({"events": [{"name": "oversold"}]}, "FAIL", 11, ("FAIL", "PASS", "PASS")),
        (
            {"audit": {"error": "it crashed"}, "events": [{"name": "negative_stock"}]},
            "FAIL",
            11,
            ("FAIL", "PASS", "PASS"),
        ),
        ({"events": [{"name": "depleted"}]}, "PASS", 0, ("PASS", "PASS", "PASS")),
        ({"failures": 1}, "FAIL", 10, ("PASS", "FAIL", "PASS")),
        ({"exceptions": [{"count": 2}]}, "FAIL", 10, ("PASS", "FAIL", "PASS")),
        # a run that cannot be trusted is neither slow nor fast
        ({"failures": 1, "as_planned": False}, "UNKNOWN", 12, ("PASS", "FAIL", "UNKNOWN")),
        ({"window": None}, "UNKNOWN", 12, ("PASS", "PASS", "UNKNOWN")),
        # by the numbers of a form there is no plan to come to the end of
        ({"profile": None, "as_planned": False}, "PASS", 0, ("PASS", "PASS", "PASS")),
        ({"lost_workers": ["host_1"]}, "UNKNOWN", 12, ("PASS", "PASS", "UNKNOWN")),
        # requests are missing at one end, and nothing says why
        ({"counters": {"api": {"GET /": {"200": 1}}}}, "UNKNOWN", 12, ("PASS", "PASS", "FAIL")),
        ({"counters": {"api": {"GET /": {"200": 100}}}}, "PASS", 0, ("PASS", "PASS", "PASS")),
        # oversold is oversold
        (
            {"lost_workers": ["host_1"], "audit": {"checks": [OVERSOLD]}},
            "FAIL",
            11,
            ("FAIL", "PASS", "UNKNOWN"),
        ),
        ({"races": [RACE], "promises": {"contention": "Race"}}, "PASS", 0, ("PASS", "PASS", "PASS")),
        # a race that was a queue, and one that did not take place
        ({"races": [{**RACE, "overlap": 0.2}]}, "UNKNOWN", 12, ("PASS", "PASS", "UNKNOWN")),
        ({"promises": {"contention": "Race"}}, "UNKNOWN", 12, ("PASS", "PASS", "UNKNOWN")),
    ],
)
def test_the_first_rule_that_holds_decides(
    changes: dict[str, Any], whole: str, exit_code: int, parts: tuple[str, str, str]
) -> None:
    """CORRECT before VALID before FAST; what is unknown is never a pass."""
    judged = verdict(run(**changes))
    assert (judged.verdict, judged.exit_code) == (whole, exit_code)
    assert (judged.correct.verdict, judged.fast.verdict, judged.valid.verdict) == parts


def test_a_lost_worker_that_was_noticed_is_accounted_for() -> None:
    """When it reported last, and how much can be missing."""
    event = {"name": "worker_lost", "at": 1767225604.0, "worker": "2-abcdef", "id": "host_1"}
    noticed = {**event, "last_report": 1767225600.25, "at_most": 12}
    judged = verdict(run(lost_workers=["host_1"], events=[noticed])).valid
    (check,) = (check for check in judged.checks if check.name == "workers_reported")
    assert (judged.verdict, check.count) == ("PASS", 1)
    assert check.detail == (
        "worker host_1 was lost: what it did after its last report at 00:00:00.250000 is missing, "
        "at most 12 requests if it died then"
    )


def test_the_first_alarm_is_shown() -> None:
    """With its details and its time; how many there were is counted."""
    first = {"name": "oversold", "at": 1767225604.0, "facts": {"product_id": 3, "units": 2}}
    alarms = [first, {"name": "negative_stock", "at": 1767225609.0}]
    check = verdict(run(events=alarms)).correct.checks[0]
    assert (check.name, check.count) == ("alarms", 2)
    assert check.first == {
        "name": "oversold",
        "product_id": 3,
        "units": 2,
        "at": "2026-01-01T00:00:04+00:00",
    }


def test_a_run_whose_master_died_is_unknown() -> None:
    judged = verdict(run(interrupted=True))
    assert (judged.verdict, judged.exit_code) == ("UNKNOWN", 12)
    assert judged.valid.checks[0].detail == "the master ended during the run"


def test_a_lost_worker_is_named() -> None:
    """By Locust's name for it, which its log and its container know."""
    checks = verdict(run(lost_workers=["host_1"])).valid.checks
    (check,) = (check for check in checks if check.name == "workers_reported")
    assert "host_1" in check.detail


def test_a_broken_promise_says_whose_it_was() -> None:
    """A person must know which scenario did not do what it is for."""
    judged = verdict(run(audit={"checks": [NOTHING]}, promises={"sold_out_was_true": "Depletion"}))
    assert judged.correct.checks[0].detail == "no 409, which Depletion promises"


def test_a_promise_that_the_audit_has_no_check_of_is_unknown() -> None:
    """Nobody looked: a name misspelt, or an audit of one's own that knows less."""
    judged = verdict(run(promises={"no_oversel": "Race"}))
    assert (judged.verdict, judged.correct.verdict) == ("UNKNOWN", "UNKNOWN")
    assert judged.correct.checks[-1].detail == "the audit has no such check, which Race promises"


def test_the_run_is_summed_up() -> None:
    """Who reads the verdict alone knows what was run."""
    summary = verdict(run()).run
    assert (summary.users, summary.window_s, summary.rps) == (9, 60, 1.5)


def test_an_overload_is_judged_as_one() -> None:
    """By its stages, beside its targets."""
    judged = verdict(run(overload=True, stages=[]))
    assert [check.name for check in judged.fast.checks][-1] == "goodput_kept"
    assert judged.verdict == "UNKNOWN"

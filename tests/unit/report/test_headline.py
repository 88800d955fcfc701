"""The headline of a run says in plain words what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.target import MeasuredTarget, Reading
from stampede.facts.verdict_json import Judgement
from stampede.report.headline import DISTRUST, LONGEST, headline
from stampede.report.markdown import summary
from stampede.report.page import page
from stampede.report.plain_text import plain_text
from stampede.targets.parser import parse
from stampede.verdict.valid import valid
from stampede.verdict.verdict import verdict
from tests import runs
from tests.facts import facts, make


def of(**changes: Any) -> str:
    run = runs.run(**changes)
    return headline(run, verdict(run))


def measured(text: str, actual: float | None, aborted: bool = False) -> MeasuredTarget:
    (target,) = parse(text)
    return MeasuredTarget(target, Reading(actual, 900, "900 requests"), aborted=aborted)


def failed(name: str, count: int | None = None, detail: str = "") -> dict[str, Any]:
    return {"name": name, "verdict": "FAIL", "count": count, "detail": detail}


MET = measured("p95 < 500ms", 30.0)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ([("p95 < 1ms", 7.7)], "Too slow: p95 7.7 ms, limit 1 ms"),
        ([("p95 of POST /orders/ < 1s", 1300)], "Too slow: p95 of POST /orders/ 1,300 ms, limit 1,000 ms"),
        ([("p99 < 10ms for 5s", 12)], "Too slow: p99 over any 5 s 12 ms, limit 10 ms"),
        ([("errors < 1%", 3.2)], "Too many errors: 3.2 %, limit 1 %"),
        ([("errors = 0", 4)], "Too many errors: 4, limit 0"),
        ([("errors of POST < 1%", 3.2)], "Too many errors of POST: 3.2 %, limit 1 %"),
        ([("POST /orders/ errors < 1%", 3.2)], "Too many errors (POST /orders/ errors): 3.2 %, limit 1 %"),
        ([("rps > 100", 80)], "Rate not reached: 80/s, wanted 100/s"),
        ([("goodput >= 100", 80)], "Rate not reached (goodput): 80/s, wanted 100/s"),
        ([("stable", 35)], "Slower at the end: p95 rose by 35 %, limit 20 %"),
        ([("cpu of api < 80%", 95)], "Target missed: cpu of api 95 %, limit 80 %"),
        ([("503 > 1%", 0.5)], "Target missed: 503 0.5 %, wanted > 1 %"),
        # the worst is the one that is missed by the largest factor
        ([("p95 < 10ms", 20), ("errors < 1%", 3), ("rps > 100", 90)], "Too many errors: 3 %, limit 1 %"),
        ([("p95 < 10ms", 20), ("rps > 100", 40)], "Rate not reached: 40/s, wanted 100/s"),
        ([("p95 < 10ms", 20), ("rps > 100", 0)], "Rate not reached: 0/s, wanted 100/s"),
        ([("p95 < 10ms (optional)", 2000), ("p99 < 10ms", 20)], "Too slow: p99 20 ms, limit 10 ms"),
    ],
)
def test_a_slow_run_shows_its_worst_missed_target(targets: list[tuple[str, float]], text: str) -> None:
    assert of(targets=[MET, *(measured(*each) for each in targets)]) == text


def test_the_target_that_ended_the_run_comes_first() -> None:
    targets = [measured("p95 < 10ms", 900.0), measured("errors < 50% abort", 60.0, aborted=True)]
    assert of(targets=targets) == "Too many errors: 60 %, limit 50 %"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"failures": 41}, "Requests failed: 41 of 41,300"),
        ({"locustfile_exit_code": 3}, "The locustfile failed the run: the locustfile set environment.proc"),
        (
            {"exceptions": [{"error": "KeyError", "count": 3, "message": "", "traceback": ""}]},
            "The locustfile raised exceptions: 3 in the locustfile's own code, most often KeyError",
        ),
    ],
)
def test_other_failures_are_shown_where_no_target_is_missed(changes: dict[str, Any], text: str) -> None:
    assert of(targets=[MET], **changes).startswith(text)


@pytest.mark.parametrize(
    ("checks", "text"),
    [
        ([failed("no_oversell", 3)], "Wrong data: 3 products oversold"),
        ([failed("no_oversell", 1)], "Wrong data: 1 product oversold"),
        (
            [failed("one_order_per_key", 4), failed("acknowledged_orders_kept", 12)],
            "Wrong data: 12 confirmed orders lost or changed; 4 orders doubled",
        ),
        (
            [failed(name, 2) for name in ("no_undersell", "no_oversell", "totals_at_order_price", "odd")],
            "Wrong data: 2 products oversold; 2 products undersold; 2 wrong totals; and 1 more",
        ),
        # of an audit of the user's own
        (
            [failed("no_ticket_sold_twice", 1, "500 tickets, 1 of them sold twice")],
            "Wrong data: 500 tickets, 1 of them sold twice",
        ),
        ([failed("no_ticket_sold_twice")], "Wrong data: the check 'no ticket sold twice' failed"),
    ],
)
def test_wrong_data_is_shown_before_all_else(checks: list[dict[str, Any]], text: str) -> None:
    assert of(audit={"checks": checks}, targets=[measured("p95 < 1ms", 7)], interrupted=True) == text


def test_alarms_are_shown_where_the_audit_found_nothing() -> None:
    alarms = [{"name": "oversold", "at": runs.START + 9, "is_alarm": True}] * 2
    assert of(events=alarms) == "Wrong data: units sold that were not there (2 alarms during the run)"
    found = {"checks": [failed("no_oversell", 3)]}
    assert of(events=alarms, audit=found) == "Wrong data: 3 products oversold"


def test_a_run_that_cannot_be_trusted_shows_what() -> None:
    """However slow it was."""
    missed = [measured("p95 < 1ms", 7.7)]
    text = of(targets=missed, lost_workers=["1-a1b2c3"])
    assert text == (
        "The counts cannot be trusted: a worker did not report its last requests; "
        "also too slow: p95 7.7 ms, limit 1 ms"
    )
    text = of(targets=missed, as_planned=False)
    assert text == (
        "The figures cannot be trusted: the run did not come to its end; "
        "also too slow: p95 7.7 ms, limit 1 ms"
    )


def test_every_check_of_valid_has_a_text() -> None:
    assert {check.name for check in valid(runs.run())} == {*DISTRUST}


def test_what_could_not_be_decided_is_shown() -> None:
    text = of(audit={"error": "it ended with exit code 1"})
    assert text == "The data could not be checked: it ended with exit code 1"
    assert of(targets=[measured("p95 < 1ms", None)]) == "Not decided: p95: 900 requests"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"targets": [MET]}, "Correct, fast and valid"),
        ({"targets": [MET], "audit": None}, "Fast and valid; the data was not checked"),
        ({}, "Correct and valid; no targets were set"),
        ({"audit": None}, "Valid; the data was not checked; no targets were set"),
    ],
)
def test_a_run_without_a_fault_shows_what_was_asked(changes: dict[str, Any], text: str) -> None:
    assert of(**changes) == text


def test_a_run_in_progress_shows_what_has_failed_so_far() -> None:
    """The checks of VALID are UNKNOWN until its end."""
    so_far: dict[str, Any] = {"exit_code": None, "valid": {"verdict": "UNKNOWN"}}
    judged = make(Judgement, verdict="UNKNOWN", fast={"verdict": "PASS"}, **so_far)
    assert headline(facts(), judged) == "Nothing has failed so far"
    slow = facts(targets=[measured("p95 < 1ms", 7.7)])
    judged = make(Judgement, verdict="FAIL", fast={"verdict": "FAIL"}, **so_far)
    assert headline(slow, judged) == "Too slow: p95 7.7 ms, limit 1 ms"


def test_it_is_one_short_line() -> None:
    text = of(audit={"error": "line one\nline two " + "x" * 999})
    assert text.startswith("The data could not be checked: line one line two")
    assert len(text) == LONGEST


def test_all_reports_show_it() -> None:
    run = runs.run(targets=[measured("p95 < 1ms", 7.7)])
    judged = verdict(run)
    text = "Too slow: p95 7.7 ms, limit 1 ms"
    assert plain_text(run, judged).startswith(f"FAIL: {text}\n")
    assert summary(run, judged).startswith(f"## 🔴 FAIL: {text}\n")
    assert f'<p class="headline">{text}</p>' in page(run, judged, [])

"""What faults came to: the table, and what is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.facts.verdict_json import Check, Verdict
from tests.chaos.plan import Fault
from tests.chaos.report import (
    Evidence,
    Interruption,
    Report,
    Row,
    complaints,
    of_an_interruption,
    of_the_load,
    table,
)
from tests.chaos.windows import Dip, Injection
from tests.facts import make

KILL = Injection(Fault(1, 10, "kill", "api", 2), ordered=110, in_effect=110.5, over=113, told="pid 7")
CUT = Injection(Fault(2, 20, "cut", "worker", 3), ordered=120, in_effect=120, over=123)
AT_121 = "1970-01-01T00:02:01+00:00"


def check(name: str, verdict: str = "PASS", count: int = 0, at: str | None = None) -> Check:
    first = {"what": "wrong", "at": at} if at else None
    return make(Check, name=name, verdict=verdict, count=count, detail="what it says", first=first)


def second(number: int, users: int = 20, failures: int = 0) -> Second:
    return make(Second, second=number, users=users, workers=2, requests=50, failures=failures)


HEALTHY = Evidence(
    started=100,
    users=20,
    orders=[(float(sent), sent + 0.25) for sent in range(100, 140)],
    seconds=[second(number) for number in range(100, 140)],
    correct=[check(name) for name in ("acknowledged_orders_kept", "one_order_per_key", "no_oversell")],
    valid=[check("all_requests_counted")],
)


def found(**changes: Any) -> Any:
    return of_the_load([KILL, CUT], dataclasses.replace(HEALTHY, **changes))


def corrected(name: str, verdict: str, count: int) -> list[Check]:
    return [check(name, verdict, count, AT_121) if each.name == name else each for each in HEALTHY.correct]


def test_a_run_that_survived_has_a_row_for_each_fault_and_no_complaint() -> None:
    """Zeros where zeros are due."""
    report = found()
    assert report.complaints == []
    assert report.rows[0] == Row(KILL.fault, 10, 0.75, 0.25, 0, Dip(0, 0, True), "0", 0, 0, 0, told="pid 7")
    assert report.remarks == [
        "errors that belong to no fault: 0",
        "all_requests_counted is PASS: what it says",
    ]


def test_what_is_wrong_with_the_data_is_the_fault_s_in_whose_window_it_began() -> None:
    """By the first offender of the audit's check."""
    report = found(correct=corrected("acknowledged_orders_kept", "FAIL", 3))
    assert [row.lost for row in report.rows] == [0, 3]
    assert report.complaints == [
        "fault 2 (cut worker for 3 s): 3 acknowledged orders lost",
        "acknowledged_orders_kept is FAIL: what it says",
    ]


def test_what_the_audit_did_not_decide_is_no_zero() -> None:
    """And is a complaint."""
    report = found(correct=corrected("one_order_per_key", "UNKNOWN", 0))
    assert [row.doubled for row in report.rows] == [None, None]
    assert report.complaints == ["one_order_per_key is UNKNOWN: what it says"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"seconds": []}, "run.json has no seconds: the errors and users of a fault are unknown"),
        (
            {"seconds": [second(105, failures=3), second(111, failures=9)]},
            "3 errors belong to no fault: 3 at second 5",
        ),
        ({"seconds": [second(111, users=23)]}, "there were 23 users, 3 more than the target"),
        ({"valid": []}, "VALID has no check all_requests_counted"),
        ({"valid": [check("all_requests_counted", "FAIL", 7)]}, "all_requests_counted: what it says"),
        ({"correct": []}, "the run was not audited"),
    ],
)
def test_what_is_wrong_with_the_run_is_said(changes: dict[str, Any], complaint: str) -> None:
    """A line each; what nobody has looked at is wrong too."""
    assert complaint in found(**changes).complaints


def test_requests_that_no_event_explains_may_be_any_fault_s() -> None:
    """A gap is the whole run's; where nobody has counted, nothing is known."""
    assert [row.unaccounted for row in found(valid=[check("all_requests_counted", "FAIL", 7)]).rows] == [
        "≤ 7"
    ] * 2
    assert [row.unaccounted for row in found(valid=[]).rows] == ["?", "?"]


def test_events_of_the_run_stand_with_the_fault_in_whose_window_they_happened() -> None:
    """With the time since it began."""
    events = [Event(name="worker_lost", worker="0-abc", at=121.0), Event(name="strange", at=3600.0)]
    assert [row.told for row in found(events=events).rows] == ["pid 7", "worker_lost 0-abc after 1.0 s"]


def test_a_fault_that_was_not_carried_out_is_a_complaint_unless_the_runtime_cannot() -> None:
    """It stands in the table all the same."""
    report = Report()
    report.leave_out(CUT.fault, "no network")
    report.fail(KILL.fault, "it was too late")
    assert [row.told for row in report.rows] == [
        "not possible: no network",
        "not carried out: it was too late",
    ]
    assert report.complaints == ["fault 1 (kill api for 2 s): not carried out: it was too late"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row(KILL.fault, 10, 3, 1), None),
        (
            Row(KILL.fault, 10, 30, 5.5),
            "no order was acknowledged for 5.5 s after the fault; the limit is 5 s",
        ),
        (Row(KILL.fault, 10, None, None), "no order was acknowledged after the fault"),
        (Row(CUT.fault, 10, 9, 9, dip=Dip(7, 10, True)), None),
        (Row(CUT.fault, 10, 9, 9, dip=Dip(7, 11, True)), "users were missing for 11 s; the limit is 10 s"),
        (
            Row(CUT.fault, 10, 9, 9, dip=Dip(7, 3, False)),
            "users were still missing at the end of the recovery time: up to 7",
        ),
        (Row(CUT.fault, 10, 9, 9, doubled=2), "2 acknowledged orders doubled"),
        (Row(CUT.fault, skipped=True), None),
    ],
)
def test_a_fault_has_to_be_recovered_from_in_time(row: Row, words: str | None) -> None:
    """After its end, if it has one."""
    wrong = complaints(row)
    assert len(wrong) == (words is not None)
    assert words is None or words in wrong[0]


RESTART = Fault(4, 10, "restart", "master")


@pytest.mark.parametrize(
    ("ready", "verdict", "wrong"),
    [
        (121.0, Verdict.UNKNOWN, []),
        (
            131.0,
            Verdict.UNKNOWN,
            ["all workers reconnected 16.0 s after the master answered; the limit is 10 s"],
        ),
        (None, Verdict.UNKNOWN, ["not all workers reconnected; the limit is 10 s"]),
        (121.0, Verdict.PASS, ["the verdict of the interrupted run is PASS; it must be UNKNOWN"]),
        (121.0, None, ["the verdict of the interrupted run is missing; it must be UNKNOWN"]),
    ],
)
def test_an_interrupted_run_is_left_as_unknown_and_workers_come_back(
    ready: float | None, verdict: Verdict | None, wrong: list[str]
) -> None:
    """The good order is of the run after it."""
    happened = Interruption(RESTART, started=100, ordered=110, answered=115, ready=ready)
    after = dataclasses.replace(HEALTHY, orders=[(130.0, 130.5)])
    report = of_an_interruption(happened, after, HEALTHY.correct, verdict)
    assert report.complaints == [f"fault 4 (restart master): {each}" for each in wrong]
    assert report.rows[0].good_order == 20.5


@pytest.mark.parametrize(
    ("verdict", "wrong"),
    [
        ("FAIL", ["3 acknowledged orders lost", "acknowledged_orders_kept is FAIL: what it says"]),
        ("UNKNOWN", ["acknowledged_orders_kept is UNKNOWN: what it says"]),
    ],
)
def test_wrong_data_of_an_interrupted_run_is_a_complaint(verdict: str, wrong: list[str]) -> None:
    """As in any other; and what could not be decided is no zero."""
    happened = Interruption(RESTART, started=100, ordered=110, answered=115, ready=121)
    correct = corrected("acknowledged_orders_kept", verdict, 3)
    report = of_an_interruption(happened, HEALTHY, correct, Verdict.UNKNOWN)
    assert report.complaints == [f"fault 4 (restart master): {each}" for each in wrong]


def test_the_table_is_markdown_with_its_columns_aligned() -> None:
    """To be pasted into a pull request; what a runtime cannot do stands in it, and why beneath it."""
    rows = [
        Row(KILL.fault, 10, 3.456, 0.5, 12, Dip(7, 2, True), "0", 0, 0, None, told="pid 7"),
        Row(CUT.fault, told="not possible: no network", skipped=True),
    ]
    assert table(rows).splitlines() == [
        "| # | fault              | at   | good order after | after its end | errors | users lost "
        "| unaccounted | lost | doubled | oversold |",
        "| - | ------------------ | ---- | ---------------- | ------------- | ------ | ---------- "
        "| ----------- | ---- | ------- | -------- |",
        "| 1 | kill api for 2 s   | 10 s | 3.46 s           | 0.50 s        | 12     | 7, 2 s     "
        "| 0           | 0    | 0       | ?        |",
        "| 2 | cut worker for 3 s | -    | -                | -             | -      | -          "
        "| -           | -    | -       | -        |",
        "",
        "1: pid 7",
        "2: not possible: no network",
    ]

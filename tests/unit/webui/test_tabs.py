"""What stands in our tabs of Locust's UI."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.verdict_json import Judgement
from stampede.webui.live import Snapshot
from stampede.webui.tabs import MOST_EVENTS, TABS, Row, event_rows, outcome_rows, state, verdict_rows
from tests.facts import facts, make

NOON = 1_767_268_800
RUN_ID = "20260101-120000-abcd"
PASSED = {"verdict": "PASS", "checks": [{"name": "failures", "verdict": "PASS", "detail": "0 of 9"}]}
ASKED_NOTHING = {"verdict": "NOT_ASKED", "checks": [{"name": "audit", "verdict": "NOT_ASKED"}]}


def look(known: dict[str, Any] | None = None, **changed: Any) -> Snapshot:
    """A run that is over, and how it stands."""
    run = {"id": RUN_ID, "profile": "smoke", "phase": "done", **(known or {})}
    parts = {"correct": ASKED_NOTHING, "fast": PASSED, "valid": PASSED}
    judged = make(Judgement, **{"verdict": "PASS", "exit_code": 0, **parts, **changed})
    return Snapshot({"left_s": 0.0, "silent_s": 0}, judged, facts(**run))


def test_without_a_run_every_tab_is_empty() -> None:
    """As the page is, before the first."""
    assert [tab.rows(Snapshot({}, None, None)) for tab in TABS] == [[]] * len(TABS)


@pytest.mark.parametrize(
    ("of_locust", "in_progress", "told"),
    [
        ("spawning", True, "spawning"),
        ("running", True, "running"),
        ("stopping", True, "running"),
        ("stopped", True, "running"),  # the audit
        ("stopping", False, "running"),  # the verdict was faster than Locust's next heartbeat, or its cache
        ("stopped", False, "stopped"),
        ("ready", False, "ready"),
    ],
)
def test_the_page_goes_on_asking_until_it_can_say_stopped(
    of_locust: str, in_progress: bool, told: str
) -> None:
    """Locust's asks only while it hears spawning or running."""
    assert state(of_locust, in_progress) == told


@pytest.mark.parametrize(("silent", "detail"), [(0, ""), (7, ", no answer for 7 s")])
def test_that_the_target_does_not_answer_is_shown_with_the_run(silent: int, detail: str) -> None:
    seen = look(exit_code=None)
    row, *_ = verdict_rows(Snapshot({**seen.figures, "silent_s": silent}, seen.verdict, seen.facts))
    assert row["detail"] == f"{RUN_ID}, smoke, done{detail}"


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.key)
def test_every_cell_has_a_column_and_is_text_or_a_number(tab: Any) -> None:
    """Locust's page shows nothing else; and would sort by a column called name."""
    samples = {"api": [{"second": 1, "cpu_percent": 42.1, "in_flight": 3}], "workers": {"0": [{"second": 1}]}}
    events = [{"name": "worker_left", "at": NOON + 5.123, "worker": "1"}]
    outcomes = {"GET /": {"200": 5, "418": 1, "0": 2}}
    rows: list[Row] = tab.rows(look({"samples": samples, "events": events, "outcomes": outcomes}))
    assert rows
    assert {key for row in rows for key in row} <= set(tab.columns)
    assert all(isinstance(cell, str | int) for row in rows for cell in row.values())
    assert "name" not in tab.columns


def test_the_run_and_its_parts_come_first() -> None:
    """The answer stands above what it is made of."""
    rows = verdict_rows(look())
    assert [row["part"] for row in rows[:4]] == ["RUN", "CORRECT", "FAST", "VALID"]
    assert [row["stands"] for row in rows[:4]] == ["✓\xa0PASS", "–\xa0not\xa0asked", "✓\xa0PASS", "✓\xa0PASS"]
    assert rows[0]["check"] == "Fast and valid; the data was not checked"
    assert rows[0]["detail"] == f"{RUN_ID}, smoke, done, exit code 0"


def test_of_the_checks_those_come_first_that_did_not_pass() -> None:
    """Why it failed is not looked for."""
    failed = {"verdict": "FAIL", "checks": [*PASSED["checks"], {"name": "exceptions", "verdict": "FAIL"}]}
    rows = verdict_rows(look(fast=failed))
    assert (rows[4]["check"], rows[4]["stands"]) == ("exceptions", "✗\xa0FAIL")


def test_a_target_is_shown_with_its_limit_and_what_was_measured() -> None:
    """And that it was near, where it was."""
    target = {"name": "p95", "verdict": "PASS", "colour": "yellow", "figure": "270 ms", "limit": "< 300 ms"}
    fast = {
        "verdict": "PASS",
        "checks": [{**target, "actual": 270.0, "unit": "ms", "detail": "900 requests"}],
    }
    row = next(row for row in verdict_rows(look(fast=fast)) if row.get("check") == "p95")
    assert (row["stands"], row["measured"], row["limit"]) == (
        "✓\xa0PASS, near its limit",
        "270 ms",
        "< 300 ms",
    )
    assert row["detail"] == "900 requests"


def test_outcomes_are_counted_by_route_and_status() -> None:
    """One that has no column of its own is named."""
    (row,) = outcome_rows(look({"outcomes": {"POST /orders/": {"201": 5, "409": 2, "418": 1, "0": 3}}}))
    assert row["all"] == 11
    assert (row["s201"], row["s409"], row["s200"]) == (5, 2, "")
    assert (row["others"], row["none"]) == ("418: 1", 3)


def test_a_sample_says_what_is_known_of_a_role() -> None:
    """And no more: nothing stands for what nobody has measured."""
    states = {"active": 3, "idle": 5}
    postgres = {
        "second": 2,
        "cpu_percent": 61.4,
        "connections": states,
        "max_connections": 100,
        "commits": None,
    }
    old = {"second": 1, "cpu_percent": 0.0}
    system = next(tab for tab in TABS if tab.key == "system")
    (row,) = system.rows(look({"samples": {"postgres": [old, postgres], "api": []}}))
    assert (row["role"], row["cpu"], row["memory"]) == ("PostgreSQL", "61 %", "")
    assert row["more"] == "connections: 3 active, 5 idle (limit 100)"


def test_events_come_newest_first_and_not_too_many() -> None:
    """With what is known of each."""
    events = [{"name": "api_restarted", "at": NOON + n / 1000} for n in range(MOST_EVENTS)]
    alarm = {"name": "oversold", "at": NOON + 7, "facts": {"product": 7, "by": None}}
    rows = event_rows(look({"events": [*events, alarm]}))
    assert len(rows) == MOST_EVENTS
    assert rows[0] == {"at": "12:00:07", "event": "oversold", "facts": "product 7"}


def test_a_run_without_events_says_so() -> None:
    """An empty table might be one that does not work."""
    (row,) = event_rows(look({"events": []}))
    assert row["event"] == "no events"


def test_an_event_has_the_label_of_its_worker() -> None:
    """Not Locust's id, which run.json has too."""
    left = {"name": "worker_left", "at": NOON, "worker": "1-aaaaaa", "id": f"web_{'a' * 32}"}
    (row,) = event_rows(look({"events": [left]}))
    assert (row["event"], row["facts"]) == ("worker left", "worker 1-aaaaaa")

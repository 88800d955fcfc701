"""How a run stands while it goes on."""

from __future__ import annotations

from typing import Any

from stampede.webui.live import as_it_stands, by_status


def facts(**changed: Any) -> dict[str, Any]:
    """A run of which nothing bad is known yet: ``run.json`` in the middle of it."""
    return {
        **{"id": "20260101-120000-abcd", "profile": "smoke", "users": 10, "workers": 2, "host": "http://api"},
        **{"started_at": "2026-01-01T12:00:00.000+00:00", "phase": "window", "requests": 100, "failures": 0},
        **{
            "outcomes": {"GET /": {"200": 100}},
            "exceptions": [],
            "events": [],
            "window": None,
            "seconds": [],
        },
        **{"audit": {"error": "it was not made: the run was cut off"}, "counters": None, "races": []},
        **{"as_planned": False, "lost_workers": [], "stages": [], "interrupted": False, "promises": {}},
        **changed,
    }


def stands(known: dict[str, Any], part: str) -> dict[str, str]:
    """The verdicts of a part's checks, and its own."""
    judged = as_it_stands(known)[part]
    return {"": judged["verdict"], **{check["name"]: check["verdict"] for check in judged["checks"]}}


def test_what_only_the_end_can_tell_is_running_not_unknown() -> None:
    """Nobody has to be alarmed by an audit that has not been made yet."""
    assert stands(facts(), "correct") == {"": "running", "audit": "running"}
    of_valid = stands(facts(), "valid")
    assert of_valid[""] == of_valid["came_to_its_end"] == of_valid["all_requests_counted"] == "running"


def test_what_is_decided_already_is_said() -> None:
    """Also while the rest is open."""
    of_fast = stands(facts(), "fast")
    assert (of_fast["failures"], of_fast["exceptions"]) == ("PASS", "PASS")


def test_a_failure_is_one_at_once() -> None:
    """It is not forgiven by what comes later."""
    of_fast = stands(facts(failures=1), "fast")
    assert (of_fast[""], of_fast["failures"]) == ("FAIL", "FAIL")
    assert as_it_stands(facts(failures=1))["verdict"] == "FAIL"


def test_an_alarm_of_the_audit_fails_the_run_at_once() -> None:
    """Though the audit itself comes last."""
    alarm = {"name": "oversold", "at": "2026-01-01T12:00:05.000+00:00", "product": 7}
    of_correct = stands(facts(events=[alarm]), "correct")
    assert (of_correct[""], of_correct["alarms"], of_correct["audit"]) == ("FAIL", "FAIL", "running")


def test_the_whole_has_no_exit_code_before_the_end() -> None:
    """It goes on: whatever stands there is not the last word."""
    assert as_it_stands(facts())["verdict"] == "running"
    assert as_it_stands(facts())["exit_code"] is None


def test_outcomes_of_all_routes_are_added_up() -> None:
    """By status."""
    outcomes = {"POST /orders/": {"201": 5, "409": 2}, "POST /products/": {"201": 3}, "GET /": {"0": 1}}
    assert by_status(outcomes) == {"0": 1, "201": 8, "409": 2}

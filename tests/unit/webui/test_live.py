"""How a run stands while it goes on."""

from __future__ import annotations

from typing import Any

from stampede.facts.run_json import Facts
from stampede.webui.live import by_status, shown, verdict_so_far
from tests.facts import facts


def so_far(**changed: Any) -> Facts:
    """A run of which nothing bad is known yet: ``run.json`` in the middle of it."""
    given = {
        **{"id": "20260101-120000-abcd", "profile": "smoke", "users": 10, "workers": 2, "host": "http://api"},
        **{"phase": "window", "requests": 100, "outcomes": {"GET /": {"200": 100}}},
        "audit": {"error": "there was no audit: the run was interrupted"},
    }
    return facts(**{**given, **changed})


def stands(known: Facts, part: str) -> dict[str, str]:
    """The verdicts of a part's checks, and its own, as they are shown."""
    judged = verdict_so_far(known)
    found = judged.parts[part]
    whole = {"": shown(found.verdict, judged)}
    return whole | {check.name: shown(check.verdict, judged) for check in found.checks}


def test_what_only_the_end_can_tell_is_running_not_unknown() -> None:
    """Nobody has to be alarmed by an audit that has not been made yet."""
    assert stands(so_far(), "correct") == {"": "running", "audit": "running"}
    of_valid = stands(so_far(), "valid")
    assert of_valid[""] == of_valid["came_to_its_end"] == of_valid["all_requests_counted"] == "running"


def test_what_is_decided_already_is_said() -> None:
    """Also while the rest is open."""
    of_fast = stands(so_far(), "fast")
    assert (of_fast["failures"], of_fast["exceptions"]) == ("PASS", "PASS")
    assert of_fast[""] == "NOT_ASKED", "no targets are set"


def test_a_failure_is_one_at_once() -> None:
    """It is not forgiven by what comes later."""
    of_fast = stands(so_far(failures=1), "fast")
    assert (of_fast[""], of_fast["failures"]) == ("FAIL", "FAIL")
    assert verdict_so_far(so_far(failures=1)).verdict == "FAIL"


def test_an_alarm_of_the_audit_fails_the_run_at_once() -> None:
    """Though the audit itself comes last."""
    alarm = {"name": "oversold", "at": 1_767_268_805.0, "is_alarm": True, "facts": {"product": 7}}
    of_correct = stands(so_far(events=[alarm]), "correct")
    assert (of_correct[""], of_correct["alarms"], of_correct["audit"]) == ("FAIL", "FAIL", "running")


def test_the_whole_has_no_exit_code_before_the_end() -> None:
    """It goes on: whatever stands there is not the last word."""
    judged = verdict_so_far(so_far())
    assert judged.exit_code is None
    assert shown(judged.verdict, judged) == "running"


def test_outcomes_of_all_routes_are_added_up() -> None:
    """By status."""
    outcomes = {"POST /orders/": {"201": 5, "409": 2}, "POST /products/": {"201": 3}, "GET /": {"0": 1}}
    assert by_status(outcomes) == {"0": 1, "201": 8, "409": 2}

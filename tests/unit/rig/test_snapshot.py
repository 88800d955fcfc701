"""A moment of a run is what the master tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.rig.snapshot import Snapshot, event_line, ms, snapshot, status_line

RUN: dict[str, Any] = {
    **{"id": "r", "phase": "window", "in_progress": True, "alarms": [], "left_s": None, "events": []},
    **{"users": 7, "target_users": None, "workers": 2, "rps": 151.4, "requests": 1000, "failures": 1},
    **{"p50_ms": 3, "p95_ms": 20, "p99_ms": 44, "outcomes": {}, "verdicts": {}},
    "silent_s": 0,
    "generator_shares_cores": None,
}
"""As the master tells it."""


def seen(**told: Any) -> Snapshot:
    return snapshot({**RUN, **told}, "smoke", "http://ui", 12.0, 60.0)


def test_a_run_that_has_not_begun_has_all_its_time_left() -> None:
    """And no requests a second."""
    begun = seen(phase=None, rps=None)
    assert (begun.phase, begun.left, begun.rps) == ("starting", 48.0, 0.0)


def test_a_verdict_that_is_not_known_is_not_shown() -> None:
    told = seen(left_s=0.0, verdicts={"fast": "PASS", "correct": None})
    assert (told.left, told.verdicts) == (0.0, {"fast": "PASS"})


def test_a_moment_is_a_line() -> None:
    assert status_line(seen(verdicts={"valid": "PASS", "correct": "running"})) == (
        "  12/60 s  window    7 users  151 requests/s  1000 requests, 1 failed"
        "  p50 3.0 ms  p95 20 ms  p99 44 ms  CORRECT running  VALID PASS"
    )


def test_a_target_that_does_not_answer_is_reported() -> None:
    assert "p99 44 ms  no answer for 5 s  VALID PASS" in status_line(
        seen(silent_s=5, verdicts={"valid": "PASS"})
    )


@pytest.mark.parametrize(
    ("time", "text"),
    [(None, "–"), (0.25, "0.2 ms"), (9.94, "9.9 ms"), (140.4, "140 ms"), (12345.0, "12,345 ms")],
)
def test_times_are_as_exact_as_they_are_useful(time: float | None, text: str) -> None:
    assert ms(time) == text


def test_an_event_is_told_with_its_facts() -> None:
    event = {"name": "joined", "at": 1_767_268_800.123, "id": "x", "worker": "worker-3"}
    assert event_line(event) == "12:00:00 joined worker worker-3"
    facts = {"facts": {"order": 7, "by": "ann"}, "address": "api:8000"}
    line = "12:00:00 joined worker worker-3, address api:8000, order 7, by ann"
    assert event_line({**event, **facts}) == line


def test_a_silence_has_its_end_as_a_time() -> None:
    silence = {
        "name": "target_silent",
        "at": 1_767_268_800.0,
        "facts": {"until": 1_767_268_805, "seconds": 5},
    }
    assert event_line(silence) == "12:00:00 target_silent until 12:00:05, seconds 5"
    assert event_line({**silence, "facts": {"until": "x"}}) == "12:00:00 target_silent until x"


def test_what_an_event_says_is_shown_as_text() -> None:
    """An alarm is printed to a terminal, which would obey it."""
    event = {"name": "oversold", "at": 1_767_268_800.123, "facts": {"sku": "\x1b[2J\n \ud83d"}}
    assert event_line(event) == "12:00:00 oversold sku \ufffd[2J \ufffd"

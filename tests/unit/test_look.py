"""A moment of a run is known from the run where the master tells it, else from Locust's own statistics."""

from __future__ import annotations

from typing import Any

import pytest

from rig.look import Look, figures, look, ms, words

STATS: dict[str, Any] = {
    "user_count": 7,
    "worker_count": 2,
    "current_response_time_percentiles": {
        "response_time_percentile_0.5": 3,
        "response_time_percentile_0.95": 20,
    },
    "stats": [
        {"current_rps": 151.4, "num_requests": 1000, "num_failures": 1, "response_time_percentile_0.99": 44}
    ],
}
RUN = {"id": "r", "phase": "window", "in_progress": True, "alarms": []}


def seen(**told: Any) -> Look:
    return look({**RUN, **told}, STATS, "smoke", "http://ui", 12.0, 60.0)


def test_locusts_statistics_do_where_the_master_tells_no_more() -> None:
    assert (seen().users, seen().workers, seen().left) == (7, 2, 48.0)
    assert (seen().p50, seen().p95, seen().p99) == (3, 20, 44)
    assert seen(phase=None).phase == "starting"
    assert seen(verdicts={"correct": None}).verdicts == {}


def test_what_the_master_tells_goes_before() -> None:
    told = seen(users=8, left_s=0.0, p50_ms=2.5, rps=0.0, verdicts={"fast": "PASS"})
    assert (told.users, told.left, told.p50, told.rps, told.verdicts) == (8, 0.0, 2.5, 0.0, {"fast": "PASS"})


def test_a_moment_is_a_line() -> None:
    assert figures(seen(verdicts={"valid": "PASS", "correct": "running"})) == (
        "  12/60 s  window    7 users  151 requests/s  1000 requests, 1 failed"
        "  p50 3.0 ms  p95 20 ms  p99 44 ms  CORRECT running  VALID PASS"
    )


@pytest.mark.parametrize(
    ("time", "text"),
    [(None, "–"), (0.25, "0.2 ms"), (9.94, "9.9 ms"), (140.4, "140 ms"), (12345.0, "12,345 ms")],
)
def test_times_are_as_exact_as_they_are_useful(time: float | None, text: str) -> None:
    assert ms(time) == text


def test_an_event_is_told_with_its_facts() -> None:
    event = {"name": "joined", "at": "2026-01-01T12:00:00.123+00:00", "id": "x", "worker": "worker-3"}
    assert words(event) == "12:00:00 joined worker worker-3"

"""Was as much offered as the profile says? And whose doing was it where it was not?"""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.target import MeasuredTarget
from stampede.facts.verdict_json import Check
from stampede.targets import parser
from stampede.verdict.checks import not_asked, unknown_unless
from stampede.verdict.rate_reached import rate_reached
from tests.facts import facts

KEPT_UP = [unknown_unless("workers_on_time", True, "…"), not_asked("workers_not_throttled", "…")]
BEHIND = [*KEPT_UP, unknown_unless("workers_had_cpu", False, "…")]


def run(sent: float | None, avg_ms: float | None = 4.0, targets: str = "") -> dict[str, Any]:
    window = {"total": {"avg_ms": avg_ms}}
    return {
        "users": 200,
        "window": window,
        "targets": [MeasuredTarget(target, None) for target in parser.parse(targets)],
        "pace": {"wanted_rps": 750, "sent_rps": sent},
    }


@pytest.mark.parametrize(
    ("known", "generator", "verdict", "detail"),
    [
        (run(748.2), KEPT_UP, "PASS", "748 of 750 requests/s were sent"),
        (run(712.5), KEPT_UP, "PASS", "712 of 750 requests/s were sent"),
        # tasks of several requests
        (run(1500.0), KEPT_UP, "PASS", "1,500 of 750 requests/s were sent"),
        # they did, whatever it cost them: that is another check's affair
        (run(748.2), BEHIND, "PASS", "748 of 750 requests/s were sent"),
        (run(712.4), BEHIND, "UNKNOWN", "712 of 750 requests/s were sent: see workers_had_cpu"),
        # the API's doing, which a target judges
        (
            run(500.0, 400.0, "errors < 1%, p95 < 500ms"),
            KEPT_UP,
            "PASS",
            "500 of 750 requests/s were sent: 200 of 200 users waited for an answer; the API was the limit",
        ),
        (
            run(600.0, 100.0, "rps >= 500"),
            KEPT_UP,
            "PASS",
            "600 of 750 requests/s were sent: 60 of 200 users waited for an answer; the API was the limit",
        ),
        # one user in twenty waited: 10 of 200
        (
            run(500.0, 20.0, "rps >= 500"),
            KEPT_UP,
            "PASS",
            "500 of 750 requests/s were sent: 10 of 200 users waited for an answer; the API was the limit",
        ),
        (
            run(500.0, 19.99, "rps >= 500"),
            KEPT_UP,
            "UNKNOWN",
            "500 of 750 requests/s were sent, and few users waited for answers: set more USERS",
        ),
        # which none does, or none that counts
        (
            run(500.0, 400.0, "errors < 1%, p95 < 500ms (optional)"),
            KEPT_UP,
            "UNKNOWN",
            "500 of 750 requests/s were sent: 200 of 200 users waited for an answer; the API was the limit, "
            "and no target on rates or times covers this",
        ),
        # which who is slow meets the better
        (
            run(500.0, 400.0, "p95 > 500ms, rps <= 500"),
            KEPT_UP,
            "UNKNOWN",
            "500 of 750 requests/s were sent: 200 of 200 users waited for an answer; the API was the limit, "
            "and no target on rates or times covers this",
        ),
        # answers came at once: it is nobody's doing that is known
        (
            run(500.0, 4.0, "p95 < 500ms"),
            KEPT_UP,
            "UNKNOWN",
            "500 of 750 requests/s were sent, and few users waited for answers: set more USERS",
        ),
        (
            run(0.0, None, "p95 < 500ms"),
            KEPT_UP,
            "UNKNOWN",
            "0 of 750 requests/s were sent, and few users waited for answers: set more USERS",
        ),
        (run(None), KEPT_UP, "NOT_ASKED", "no whole second was measured"),
        (
            {"pace": {"wanted_rps": None, "sent_rps": 20}},
            KEPT_UP,
            "NOT_ASKED",
            "no rate was set: RATE, or a profile with a pace, sets one",
        ),
        ({}, KEPT_UP, "NOT_ASKED", "no rate was set: RATE, or a profile with a pace, sets one"),
    ],
)
def test_a_rate_that_was_not_reached_is_somebodys_doing(
    known: dict[str, Any], generator: list[Check], verdict: str, detail: str
) -> None:
    """The API's: the targets judge it. The generator's: there is no measurement of the API."""
    check = rate_reached(facts(**known), generator)
    assert (check.verdict, check.detail) == (verdict, detail)
    assert check.limit == (None if verdict == "NOT_ASKED" else ">= 712.5/s")


def test_users_also_wait_for_an_answer_that_never_comes() -> None:
    """Half of the requests time out after 800 ms: on average users wait for 402 ms."""
    known = run(400.0, 4.0, "p95 < 500ms")
    known["window"] = {
        "total": {"requests": 200, "avg_ms": 4.0, "failed": {"unanswered": 100, "avg_ms": 800.0}}
    }
    check = rate_reached(facts(**known), KEPT_UP)
    assert check.detail.endswith(": 161 of 200 users waited for an answer; the API was the limit")
    known["window"] = {"total": {"requests": 100, "failed": {"unanswered": 100, "avg_ms": 800.0}}}
    assert "320 of 200 users" in rate_reached(facts(**known), KEPT_UP).detail
    # the times of the failures are not known: the wait is that for the answers
    known["window"] = {
        "total": {"requests": 200, "avg_ms": 100.0, "failed": {"unanswered": 1, "avg_ms": None}}
    }
    assert "40 of 200 users" in rate_reached(facts(**known), KEPT_UP).detail

"""Truth: what a report says, compared with what the server measured."""

from __future__ import annotations

import pytest

from bench.parts.truth import Run, allowed, compared, figures
from bench.server import Times


def test_the_allowed_difference_is_the_larger_of_both() -> None:
    """0.3 ms of a short delay, 2 % of a long one."""
    assert [allowed(delay) for delay in (10, 100, 500)] == [0.3, 2.0, 10.0]


def test_the_worst_delay_counts() -> None:
    """5 ms off at 500 ms is half of what is allowed; 0.6 ms off at 10 ms is twice as much."""
    times = {10: Times(9, 10.1, 10.2, 10.3), 500: Times(9, 500.1, 500.2, 500.3)}
    reported = {
        10: {"p50_ms": 10.1, "p95_ms": 10.2, "p99_ms": 10.9},
        500: {"p50_ms": 505.1, "p95_ms": 500.2, "p99_ms": 500.3},
    }
    run = compared(True, reported, times)
    assert run.shares == pytest.approx({"p50": 0.5, "p95": 0.0, "p99": 2.0})
    assert run.added == pytest.approx(0.1)


def test_a_refused_run_has_no_limit() -> None:
    """VALID has said that it cannot be trusted."""
    shares = {"p50": 0.1, "p95": 0.2, "p99": 5.0}
    measured = {"500/s": [Run(True, {**shares, "p99": 0.3}, 0.05), Run(False, shares, 0.06)]}
    found = {each.name: each for each in figures(measured)}
    assert found["500/s: share of runs that VALID accepts"].values == (50.0,)
    assert found["500/s: difference of p99 ÷ allowed, VALID runs"].is_kept
    assert found["500/s: difference of p99 ÷ allowed, refused runs"].required == ""
    assert found["the server adds, p50"].values == (0.05, 0.06)

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


def test_only_runs_that_valid_accepts_have_a_limit() -> None:
    """VALID has said that the others cannot be trusted. Of a round, the worst accepted run counts."""
    shares = {"p50": 0.1, "p95": 0.2, "p99": 0.3}
    worse = {**shares, "p99": 0.9}
    refused = Run(False, {**shares, "p99": 5.0}, 0.06)
    measured = {
        "500/s": [Run(True, shares, 0.05), Run(True, shares, 0.05)],
        "900/s": [Run(True, worse, 0), refused],
    }
    found = {each.name: each for each in figures(measured)}
    assert found["difference of p99 ÷ allowed, all VALID runs"].values == (0.9, 0.3)
    assert found["difference of p99 ÷ allowed, all VALID runs"].required == "<= 1"
    assert found["900/s: runs that VALID accepts"].values == (50.0,)
    assert found["900/s: difference of p99 ÷ allowed, refused runs"].values == (5.0,)
    assert [each.name for each in found.values() if each.required] == [
        f"difference of {name} ÷ allowed, all VALID runs" for name in ("p50", "p95", "p99")
    ]


def test_without_a_valid_run_there_is_no_figure_with_a_limit() -> None:
    """Nothing was reported that had to be right."""
    measured = {"500/s": [Run(False, {"p50": 0.1, "p95": 0.2, "p99": 0.3}, 0.05)]}
    assert not [each for each in figures(measured) if each.required]

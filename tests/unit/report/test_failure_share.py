"""Whether runs differ in their failures: counts, which are often 0 in one of them."""

from __future__ import annotations

from random import Random

import pytest

from stampede.report import failure_share
from stampede.report.difference import Mark
from stampede.report.failure_share import Failures


@pytest.mark.parametrize(
    ("a", "b", "mark"),
    [
        ((0, 10_000), (0, 10_000), Mark.NO_DIFFERENCE),
        ((0, 10_000), (3, 10_000), Mark.NO_DIFFERENCE),
        ((0, 10_000), (12, 10_000), Mark.WORSE),
        ((12, 10_000), (0, 10_000), Mark.BETTER),
        ((100, 10_000), (120, 10_000), Mark.NO_DIFFERENCE),
        ((100, 10_000), (200, 10_000), Mark.WORSE),
        ((100, 10_000), (1_000, 100_000), Mark.NO_DIFFERENCE),
        # significant, and less than 5 % of A
        ((100_000, 10**6), (103_000, 10**6), Mark.NO_DIFFERENCE),
        ((10_000, 10_000), (0, 10_000), Mark.BETTER),
        ((0, 10_000), (10_000, 10_000), Mark.WORSE),
        ((0, 99), (99, 10_000), Mark.TOO_FEW),
    ],
)
def test_failures_are_compared_by_their_counts(a: tuple[int, int], b: tuple[int, int], mark: Mark) -> None:
    assert failure_share.mark(Failures(*a), Failures(*b), 0.01) is mark


@pytest.mark.parametrize(
    ("a", "b", "probability"),
    [
        # twice the smaller tail of the hypergeometric distribution
        ((1, 10), (9, 10), 0.001093),
        ((0, 20), (5, 20), 0.04712),
        ((7, 20), (7, 20), 1.0),
        ((3, 50), (9, 40), 0.047601),
    ],
)
def test_the_probability_is_that_of_fishers_exact_test(
    a: tuple[int, int], b: tuple[int, int], probability: float
) -> None:
    both = Failures(*a), Failures(*b)
    assert failure_share.probability(*both) == pytest.approx(probability, rel=1e-3)
    assert failure_share.probability(*reversed(both)) == pytest.approx(probability, rel=1e-3)


def test_equal_runs_are_rarely_called_different() -> None:
    """0.5 % of requests fail in both."""
    random = Random("failures")  # noqa: S311
    counts = [[sum(random.random() < 0.005 for _ in range(2_000)) for _ in "ab"] for _ in range(300)]
    marks = [failure_share.mark(Failures(a, 2_000), Failures(b, 2_000), 0.05) for a, b in counts]
    assert sum(mark is not Mark.NO_DIFFERENCE for mark in marks) <= 0.05 * len(marks)


def test_the_interval_is_of_percentage_points_and_never_empty() -> None:
    """Newcombe's own example: 56 of 70 and 48 of 80, at 95 %; and two runs without any failure."""
    example = failure_share.interval(Failures(48, 80), Failures(56, 70), 0.05)
    assert example == pytest.approx((5.24, 33.39), abs=0.01)
    low, high = failure_share.interval(Failures(0, 1000), Failures(0, 1000), 0.05)
    assert low < 0 < high < 1

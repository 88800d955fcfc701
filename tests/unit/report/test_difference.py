"""Whether two figures differ: what chance does, what a real change does, and how many samples are enough."""

from __future__ import annotations

from itertools import pairwise
from math import exp, sqrt
from random import Random
from statistics import fmean

import pytest

from stampede.report import difference
from stampede.report.difference import Interval, Mark, Measured

RESOLUTION = 0.1
OF_MANY = 0.05 / 80
"""The error of one figure in a comparison of 80."""


def measured(random: Random, seconds: int, *, dependence: float = 0.5, factor: float = 1.0) -> Measured:
    """An average time of about 20 ms: an autoregressive series, a value a second, that varies by 10 %."""
    state, series = random.gauss(0, 1), []
    for _ in range(seconds):
        state = dependence * state + sqrt(1 - dependence**2) * random.gauss(0, 1)
        series.append(20 * factor * exp(0.1 * state))
    edges = [seconds * place // 10 for place in range(11)]
    return Measured(fmean(series), 10_000, [fmean(series[start:end]) for start, end in pairwise(edges)])


def said(a: Measured, b: Measured, error: float) -> Mark:
    between = difference.interval(a, b, error, RESOLUTION)
    return difference.mark(a, between, difference.band(), more_is_better=False)


@pytest.mark.parametrize("dependence", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("seconds", [28, 58, 178])
def test_equal_series_are_rarely_called_different(seconds: int, dependence: float) -> None:
    """Where a second is like the one before, too, and even at the level of a single figure."""
    random = Random(f"{seconds} {dependence}")  # noqa: S311
    pairs = [[measured(random, seconds, dependence=dependence) for _ in "ab"] for _ in range(400)]
    assert sum(said(a, b, 0.05) is not Mark.NO_DIFFERENCE for a, b in pairs) <= 0.05 * len(pairs)
    assert sum(said(a, b, OF_MANY) is not Mark.NO_DIFFERENCE for a, b in pairs) <= 1


@pytest.mark.parametrize("dependence", [0.0, 0.5, 0.8])
def test_the_interval_holds_as_often_as_it_should(dependence: float) -> None:
    """The true difference is 0. Neighbours that are alike are allowed for, as far as ten blocks show it."""
    random = Random(f"interval {dependence}")  # noqa: S311
    pairs = [[measured(random, 120, dependence=dependence) for _ in "ab"] for _ in range(600)]
    intervals = [difference.interval(a, b, 0.05, RESOLUTION) for a, b in pairs]
    holds = fmean(low < 0 < high for low, high in intervals)
    assert 0.90 < holds < 0.99


@pytest.mark.parametrize(("factor", "mark"), [(1.3, Mark.WORSE), (1 / 1.3, Mark.BETTER)])
def test_a_shift_of_30_percent_is_found_among_80_figures(factor: float, mark: Mark) -> None:
    """In nine of ten pairs of runs of a minute."""
    random = Random(f"shift {factor}")  # noqa: S311
    pairs = [(measured(random, 60), measured(random, 60, factor=factor)) for _ in range(300)]
    assert fmean(said(a, b, OF_MANY) is mark for a, b in pairs) > 0.85


def test_a_difference_of_less_than_5_percent_is_none_however_exactly_it_is_known() -> None:
    """Two runs of the same code differ by as much, as machines do."""
    a, b = Measured(20.0, 10**6, [20.0] * 10), Measured(20.9, 10**6, [20.9] * 10)
    assert difference.interval(a, b, 0.05, RESOLUTION) == pytest.approx((0.9, 0.9))
    assert said(a, b, 0.05) is Mark.NO_DIFFERENCE
    assert said(a, Measured(21.1, 10**6, [21.1] * 10), 0.05) is Mark.WORSE


@pytest.mark.parametrize(
    ("low", "high", "slower", "least", "mark"),
    [
        (6, 40, 1.0, 0, Mark.WORSE),
        (4, 40, 1.0, 0, Mark.NO_DIFFERENCE),
        (-40, -6, 1.0, 0, Mark.BETTER),
        (-40, 40, 1.0, 0, Mark.NO_DIFFERENCE),
        # the cores of B took 1.2 times as long
        (20, 40, 1.2, 0, Mark.NO_DIFFERENCE),
        (27, 40, 1.2, 0, Mark.WORSE),
        (-40, -6, 1.2, 0, Mark.BETTER),
        # those of A did
        (6, 40, 1 / 1.2, 0, Mark.WORSE),
        (-40, -20, 1 / 1.2, 0, Mark.NO_DIFFERENCE),
        # too small to matter
        (6, 40, 1.0, 7, Mark.NO_DIFFERENCE),
        (-40, -6, 1.0, 7, Mark.NO_DIFFERENCE),
    ],
)
def test_the_whole_interval_must_be_outside_the_band(
    low: float, high: float, slower: float, least: float, mark: Mark
) -> None:
    """A is 100 here, and more is worse."""
    a, allowed = Measured(100.0, 1000), difference.band(slower, least)
    assert difference.mark(a, Interval(low, high), allowed, more_is_better=False) is mark
    if mark is not Mark.NO_DIFFERENCE:
        opposite = difference.mark(a, Interval(low, high), allowed, more_is_better=True)
        assert {mark, opposite} == {Mark.BETTER, Mark.WORSE}


def test_one_slow_block_makes_the_interval_wide() -> None:
    """A freeze of two seconds in one of the runs is chance until it comes again."""
    calm = Measured(30.0, 10_000, [29, 30, 31, 30, 29, 31, 30, 30, 29, 31])
    frozen = Measured(900.0, 10_000, [29, 30, 31, 30, 1700, 31, 30, 30, 29, 31])
    assert said(calm, frozen, OF_MANY) is Mark.NO_DIFFERENCE


def test_times_of_nothing_can_be_compared() -> None:
    """They are 0.0 where all were faster than half a tenth of a ms."""
    nothing = Measured(0.0, 1000, [0.0] * 10)
    assert difference.interval(nothing, nothing, 0.05, RESOLUTION) == (0, 0)
    assert said(nothing, Measured(2.0, 1000, [2.0] * 10), 0.05) is Mark.WORSE


@pytest.mark.parametrize(("share", "requests"), [(None, 100), (0.5, 100), (0.95, 200), (0.99, 1000)])
def test_a_percentile_needs_ten_requests_above_it(share: float | None, requests: int) -> None:
    assert difference.needed(share) == requests


@pytest.mark.parametrize(
    ("share", "free", "quantile"),
    [(0.975, 9, 2.262), (0.995, 4, 4.604), (0.995, 9, 3.250), (0.9995, 18, 3.922), (0.9995, 6, 5.959)],
)
def test_quantiles_are_those_of_the_tables(share: float, free: float, quantile: float) -> None:
    """Of Student's t."""
    assert difference.student(share, free) == pytest.approx(quantile, rel=0.005)

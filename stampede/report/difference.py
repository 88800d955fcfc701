"""Judges whether a figure differs between two runs, and by how much. Pure.

A test over single requests would be far too sensitive. The requests of a run are not independent: one slow
second makes hundreds of requests slow. By such a test, any two runs of the same code would differ. So:

- **Blocks.** The window is cut into up to ten blocks of whole seconds, and the figure is taken in each block.
  How far the blocks are from the figure of the window shows how exact it is: blocks of some seconds depend on
  each other far less than requests do. This is sectioning, a form of batch means that also holds for
  percentiles: S. Asmussen and P. Glynn, Stochastic Simulation (2007), chapter III. The dependence between
  neighbouring blocks is estimated, and widens the interval.
- **Ratios.** Times vary by factors. So logarithms are compared, by Welch's t: the interval is one of B / A.
- **All figures together.** A comparison judges up to a hundred figures. Each interval is made wider, so that
  all intervals hold together in 95 of 100 comparisons (Bonferroni).
- **A least difference.** Two runs of the same code also differ because machines do, and a single run does not
  show by how much. B is better or worse only where the whole interval is more than 5 % away from A. If the
  cores of one run were slower, times, CPU and rates may differ by as much again; so may times and rates where
  a worker waited for cores too long (stampede/report/side_by_side.py).
- **Failures** are counts, often 0: stampede/report/failure_share.py compares them.

Nothing here is random: the same two files always give the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from math import exp, fsum, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

ERROR = 0.05
"""How often any figure of two equal runs may be called better or worse."""

LEAST_RATIO = 1.05
"""A smaller difference is no difference, however exactly it is known."""

FEWEST_BLOCKS = 5
"""With fewer blocks their spread is not known."""

FEWEST_REQUESTS = 100
"""Requests that a figure needs in each run."""

BEYOND = 10
"""Requests that have to be slower than a percentile: p99 needs 1,000 requests."""


class Mark(StrEnum):
    """What a comparison says of B."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"
    TOO_FEW = "too few samples"


class Measured(NamedTuple):
    """A figure of one run."""

    value: float
    n: int
    """The number of requests, or of seconds, that it is of."""
    blocks: Sequence[float] = ()
    """The same figure in each block of the window. Empty where it is not known."""


class Interval(NamedTuple):
    """The range in which B - A lies, in the figure's own unit."""

    low: float
    high: float


class Band(NamedTuple):
    """The differences that do not count: ratios of B to A, and a difference in the figure's own unit."""

    low: float
    high: float
    least: float = 0.0


def band(slower: float = 1.0, least: float = 0.0) -> Band:
    """Return the band of a figure. The cores of B took `slower` times as long as those of A."""
    return Band(min(1.0, slower) / LEAST_RATIO, max(1.0, slower) * LEAST_RATIO, least)


def needed(share: float | None) -> int:
    """Return how many requests a percentile (0 to 1) needs in each run, or an average, which has no share."""
    return max(FEWEST_REQUESTS, round(BEYOND / (1 - share))) if share is not None else FEWEST_REQUESTS


def interval(a: Measured, b: Measured, error: float, resolution: float) -> Interval:
    """Return the interval of B - A. Both figures must have blocks.

    It is wrong in the share `error` of comparisons. A value below the `resolution` counts as the resolution.
    """
    (error_a, free_a), (error_b, free_b) = (_of_blocks(each, resolution) for each in (a, b))
    middle = log(max(b.value, resolution) / max(a.value, resolution))
    of_both = error_a + error_b
    free = of_both**2 / (error_a**2 / free_a + error_b**2 / free_b) if of_both else 1.0
    reach = student(1 - error / 2, free) * sqrt(of_both)
    from_a = max(a.value, resolution)
    return Interval(from_a * (_exp(middle - reach) - 1), from_a * (_exp(middle + reach) - 1))


def _of_blocks(measured: Measured, resolution: float) -> tuple[float, int]:
    """Return the variance of the logarithm of a figure, and its degrees of freedom."""
    whole = log(max(measured.value, resolution))
    apart = [log(max(block, resolution)) - whole for block in measured.blocks]
    free = len(apart) - 1
    variance = fsum(each * each for each in apart) / free
    return variance / len(apart) * _dependence(apart), free


def _dependence(apart: Sequence[float]) -> float:
    """Return by how much neighbouring blocks that are alike raise the variance of their mean.

    A correlation r of neighbours raises it by (1 + r) / (1 - r), as in an autoregressive series. In a series
    of n blocks, the estimate of r is 1 / n too low on average.
    """
    mean = fsum(apart) / len(apart)
    around = [each - mean for each in apart]
    total = fsum(each * each for each in around)
    if not total:
        return 1.0
    found = fsum(one * other for one, other in pairwise(around)) / total
    correlation = min(max(found + 1 / len(apart), 0.0), 0.8)
    return (1 + correlation) / (1 - correlation)


def _exp(value: float) -> float:
    return exp(min(value, 50.0))


def student(share: float, free: float) -> float:
    """Return the quantile of Student's t with so many degrees of freedom, 4 or more.

    An expansion around the normal quantile: Abramowitz and Stegun, 26.7.5.
    """
    x = NormalDist().inv_cdf(share)
    terms = (
        (x**3 + x) / 4,
        (5 * x**5 + 16 * x**3 + 3 * x) / 96,
        (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384,
        (79 * x**9 + 776 * x**7 + 1482 * x**5 - 1920 * x**3 - 945 * x) / 92160,
    )
    return x + fsum(term / free**power for power, term in enumerate(terms, 1))


def mark(a: Measured, between: Interval, allowed: Band, more_is_better: bool) -> Mark:
    """Return better or worse only where the whole interval of B - A is outside the band."""
    if between.low > max((allowed.high - 1) * a.value, allowed.least):
        return Mark.BETTER if more_is_better else Mark.WORSE
    if between.high < min((allowed.low - 1) * a.value, -allowed.least):
        return Mark.WORSE if more_is_better else Mark.BETTER
    return Mark.NO_DIFFERENCE

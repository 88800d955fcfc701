"""Judges whether the share of failed requests differs between two runs. Pure.

Failures are counts, often 0 in one of the runs: then the spread between blocks is not known. Fisher's exact
test holds for any counts. It takes each failure as an event of its own. So one outage with many failures
counts as many events, and a run with an outage is worse than a run without one.
"""

from __future__ import annotations

from math import exp, lgamma, sqrt
from statistics import NormalDist
from typing import NamedTuple

from stampede.report.difference import FEWEST_REQUESTS, Interval, Mark, band


class Failures(NamedTuple):
    """The failed requests of one run, or of a part of it."""

    failed: int
    n: int
    """All requests, at least one."""

    @property
    def value(self) -> float:
        """Return the share in percent."""
        return self.failed / self.n * 100


def mark(a: Failures, b: Failures, error: float) -> Mark:
    """Return the mark of B. Of equal runs, at most the share `error` is better or worse."""
    if min(a.n, b.n) < FEWEST_REQUESTS:
        return Mark.TOO_FEW
    allowed = band()
    is_alike = allowed.low * a.value <= b.value <= allowed.high * a.value
    if is_alike or probability(a, b) >= error:
        return Mark.NO_DIFFERENCE
    return Mark.WORSE if b.value > a.value else Mark.BETTER


def probability(a: Failures, b: Failures) -> float:
    """Return how probable so large a difference is in equal runs, by Fisher's exact test on both sides."""
    more, less = (b, a) if b.value > a.value else (a, b)
    failed, count = a.failed + b.failed, more.failed
    ways = _ways(more.n, count) + _ways(less.n, failed - count) - _ways(more.n + less.n, failed)
    term = tail = exp(ways)
    while count < min(failed, more.n) and term > tail * 1e-12:
        term *= (more.n - count) * (failed - count) / ((count + 1) * (less.n - failed + count + 1))
        tail += term
        count += 1
    return min(1.0, 2 * tail)


def _ways(n: int, count: int) -> float:
    """Return the logarithm of the number of ways to choose `count` of `n`."""
    return lgamma(n + 1) - lgamma(count + 1) - lgamma(n - count + 1)


def interval(a: Failures, b: Failures, error: float) -> Interval:
    """Return the interval of B - A in percentage points.

    R. Newcombe, Interval estimation for the difference between independent proportions (1998), method 10.
    """
    normal = NormalDist().inv_cdf(1 - error / 2)
    (p, low_p, high_p), (q, low_q, high_q) = _wilson(a, normal), _wilson(b, normal)
    low = q - p - sqrt((q - low_q) ** 2 + (high_p - p) ** 2)
    high = q - p + sqrt((high_q - q) ** 2 + (p - low_p) ** 2)
    return Interval(low * 100, high * 100)


def _wilson(failures: Failures, normal: float) -> tuple[float, float, float]:
    """Return a share, 0 to 1, and the ends of its interval."""
    n, share, square = failures.n, failures.failed / failures.n, normal * normal
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = normal / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return share, middle - reach, middle + reach

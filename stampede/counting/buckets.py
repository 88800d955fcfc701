"""Buckets of response times: three digits of a time, below 100 ms tenths of a ms. Pure."""

from __future__ import annotations

from stampede.counting.readable import MOST_MS

_TENTHS = 1000
"""The number of buckets below 100 ms. Above, there are 900 for each power of ten."""


def bucket_of(milliseconds: float) -> int:
    """Return the number of a time's bucket: tenths of a ms below 100 ms, then 100 to 999 per power of ten.

    A time above MOST_MS has the bucket of MOST_MS; what is no time, such as NaN, has that of 0.
    """
    if not milliseconds >= 100:
        return int(milliseconds * 10 + 0.5) if milliseconds > 0 else 0
    milliseconds = min(milliseconds, MOST_MS)
    power = 0
    while milliseconds >= 999.5:
        milliseconds /= 10
        power += 1
    return _TENTHS + 900 * power + round(milliseconds) - 100


def time_of(bucket: int) -> float:
    """Return the time of a bucket in ms."""
    if bucket < _TENTHS:
        return bucket / 10
    power, digits = divmod(bucket - _TENTHS, 900)
    return float((digits + 100) * 10**power)


def rounded(response_time: float) -> float:
    """Return a time in ms to three digits, below 100 ms to a tenth of a ms.

    The parameter has the name that it has in Locust's function, which this one replaces.
    """
    return time_of(bucket_of(response_time))

"""Buckets of response times: three digits of a time, below 100 ms tenths of a ms. Pure."""

from __future__ import annotations

from stampede.counting.readable import MOST_MS

_TENTHS = 1000
"""The number of buckets below 100 ms. Above, there are 900 for each power of ten."""

_COARSE_BITS = 6
"""Bits of a number that a coarse bucket keeps."""


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


def _time_of(bucket: int) -> float:
    if bucket < _TENTHS:
        return bucket / 10
    power, digits = divmod(bucket - _TENTHS, 900)
    return float((digits + 100) * 10**power)


TIMES = [_time_of(bucket) for bucket in range(bucket_of(MOST_MS) + 1)]
"""The time of each bucket in ms."""


def time_of(bucket: int) -> float:
    """Return the time of a bucket in ms."""
    return TIMES[bucket]


def rounded(response_time: float) -> float:
    """Return a time in ms to three digits, below 100 ms to a tenth of a ms.

    The parameter has the name that it has in Locust's function, which this one replaces.
    """
    return time_of(bucket_of(response_time))


def _coarse_start(bucket: int) -> int:
    """Return the first of the buckets that are one coarse bucket: their numbers have the same first bits."""
    power, number = divmod(bucket - _TENTHS, 900) if bucket >= _TENTHS else (-1, bucket)
    number += 100 if power >= 0 else 0
    shift = max(0, number.bit_length() - _COARSE_BITS)
    start = number >> shift << shift
    return start if power < 0 else _TENTHS + 900 * power + max(start, 100) - 100


def _coarse() -> tuple[list[int], list[int]]:
    """Return the number of each bucket's coarse bucket, and the middle bucket of each coarse one."""
    starts = [_coarse_start(bucket) for bucket in range(len(TIMES))]
    distinct = sorted({*starts})
    place = {start: number for number, start in enumerate(distinct)}
    ends = [*distinct[1:], len(starts)]
    return [place[start] for start in starts], [
        (start + end - 1) // 2 for start, end in zip(distinct, ends, strict=True)
    ]


COARSE, FINE = _coarse()
"""The coarse bucket of each bucket, and the middle bucket of each coarse one, whose time differs by less than
two percent, or 0.05 ms: there are about 30 of them for each doubling of a time."""

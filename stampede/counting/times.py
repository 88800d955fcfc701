"""Sums of requests with their times. Pure."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import compress, count

from stampede.counting.buckets import TIMES
from stampede.counting.slots import Row

Histogram = Counter[float]
"""The number of requests by their time in ms."""

MOST_SINGLE = 1_000
"""Times that are kept one by one, in two bytes each; of more, their number in each bucket is kept."""


class Times:
    """The times of some requests."""

    __slots__ = ("_numbers", "_single")

    def __init__(self) -> None:
        self._single: array[int] | None = None
        self._numbers: array[int] | None = None

    def add(self, times: bytes) -> None:
        """Add single times, two bytes each: the numbers of their buckets."""
        if self._single is None:
            self._single = array("H")
        self._single.frombytes(times)
        if len(self._single) > MOST_SINGLE:
            single, self._single = self._single, None
            self.add_numbers(Counter(single))

    def add_numbers(self, numbers: Mapping[int, int]) -> None:
        """Add the number of times in each bucket."""
        if self._numbers is None:
            self._numbers = array("Q")
        own = self._numbers
        if (missing := max(numbers, default=-1) + 1 - len(own)) > 0:
            own.frombytes(bytes(own.itemsize * missing))
        for bucket, number in numbers.items():
            own[bucket] += number

    def add_times(self, other: Times) -> None:
        """Add other times."""
        if other._numbers:
            self.add_numbers(_not_zero(other._numbers))
        if other._single:
            self.add(other._single.tobytes())

    def numbers(self) -> dict[int, int]:
        """Return the number of times in each bucket that has any."""
        numbers = _not_zero(self._numbers) if self._numbers else {}
        for bucket in self._single or ():
            numbers[bucket] = numbers.get(bucket, 0) + 1
        return numbers

    def histogram(self) -> Histogram:
        """Return the number of requests by their time in ms."""
        histogram: Histogram = Counter()
        for bucket, number in self.numbers().items():
            histogram[TIMES[bucket]] = number
        return histogram


def _not_zero(numbers: array[int]) -> dict[int, int]:
    return dict(zip(compress(count(), numbers), filter(None, numbers), strict=False))


class Sum:
    """A sum of requests with their times."""

    __slots__ = ("failed", "failures", "from_start", "late", "requests", "times", "unanswered")

    def __init__(self) -> None:
        self.requests = self.failures = self.unanswered = 0
        self.times = Times()
        """Of answered requests."""
        self.from_start = Times()
        """Of answered requests of paced users: from when they were due."""
        self.late = Times()
        """How late the first request of each paced task was sent."""
        self.failed = Times()
        """Of failed requests, answered or not."""

    @classmethod
    def of(cls, sums: Iterable[Sum]) -> Sum:
        """Return the sum of these sums."""
        total = cls()
        for each in sums:
            total.add(each)
        return total

    def add(self, other: Sum) -> None:
        """Add another sum."""
        self.requests += other.requests
        self.failures += other.failures
        self.unanswered += other.unanswered
        for own, others in (
            (self.times, other.times),
            (self.from_start, other.from_start),
            (self.late, other.late),
            (self.failed, other.failed),
        ):
            own.add_times(others)

    def add_row(self, row: Row) -> None:
        """Add the content of a slot."""
        requests, failures, times, from_start, late, failed, unanswered = row
        self.requests += requests
        self.failures += failures
        self.unanswered += unanswered
        if times:
            self.times.add(times)
        if from_start:
            self.from_start.add(from_start)
        if late:
            self.late.add(late)
        if failed:
            self.failed.add(failed)

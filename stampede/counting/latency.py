"""Latency: how long requests took, counted by the second in which the answer came, and by route.

Workers round each time to three digits (below 100 ms to a tenth of one) and hand what they counted over with
their reports; the master adds it up. Beside the service time, from sending a request to its answer, stands
the time from when it was *due*, where the user has a pace: who waits for a slow API sends the next request
late, and what is measured from then on does not show how long somebody waited who wanted to come in time.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

KEY = "stampede_latency"
"""Where the times stand in a worker's report."""

DUE = "stampede_due"
"""Where the context of a paced user's request says when it was due, in seconds since the epoch; None in the
later requests of a task, of which only the first is."""

Route = tuple[str, str]
"""Method and name."""

IsWanted = Callable[[str, str], bool]
"""Whether a method and a name are wanted."""

Histogram = Counter[float]
"""How many requests took so many ms."""

LONGEST_DRAIN = 60
"""Seconds in which all that was sent has been answered or given up: what is later is a wrong clock."""

_TENTHS = 1000
"""How many buckets there are below 100 ms; from there on 900 for each power of ten."""


class Latencies:
    """The times of one worker since its last report, or on the master those of all of them in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: a run begins."""
        self._seconds: defaultdict[int, defaultdict[Route, _Slot]] = defaultdict(lambda: defaultdict(_Slot))
        self._routes: set[Route] = set()  # asked for again and again, also late in a long run

    def count(
        self,
        request_type: str,
        name: str,
        response_time: float | None = None,
        exception: object = None,
        context: Mapping[str, Any] | None = None,
        start_time: float | None = None,
        **_: Any,
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, the time in ms."""
        now = time.time()
        slot = self._slot(int(now), (request_type, name))
        slot.requests += 1
        if exception is not None:
            slot.failures += 1
        if response_time is None:
            return
        slot.times.append(_bucket(response_time))
        if context and DUE in context:
            due = context[DUE]
            late = ((start_time or now - response_time / 1000) - due) * 1000 if due else 0.0
            slot.from_start.append(_bucket(response_time + late if late > 0 else response_time))
            if due:
                slot.late.append(_bucket(late))

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the times into a worker's report, and begin anew."""
        report[KEY] = [
            (second, *route, *slot.packed)
            for second, slots in self._seconds.items()
            for route, slot in slots.items()
        ]
        self.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what stands in a worker's report."""
        for second, method, name, *counted in report.get(KEY, ()):
            self._slot(second, (method, name)).add(*counted)

    def routes(self) -> list[Route]:
        """Every method and name that was counted."""
        return sorted(self._routes)

    def drained(self, end: int) -> int:
        """The second after the last answer to what was sent before the second `end`, since the epoch."""
        last = max(self._seconds, default=end - 1)
        return min(max(end, last + 1), end + LONGEST_DRAIN)

    def histogram(
        self, start: int, end: int, routes: IsWanted | None = None, from_start: bool = False
    ) -> Histogram:
        """The times of the requests answered in the seconds [start, end), since the epoch.

        With `from_start` from when they were due, and of those only that a paced user sent.
        """
        return _histogram(
            slot.from_start if from_start else slot.times for slot in self._slots(start, end, routes)
        )

    def lateness(self, start: int, end: int, routes: IsWanted | None = None) -> Histogram:
        """How much later than due, in ms, the first request of each paced task was sent."""
        return _histogram(slot.late for slot in self._slots(start, end, routes))

    def requests(self, start: int, end: int, routes: IsWanted | None = None) -> int:
        """How many were answered, or given up, in the seconds [start, end)."""
        return sum(slot.requests for slot in self._slots(start, end, routes))

    def failures(self, start: int, end: int, routes: IsWanted | None = None) -> int:
        """How many of them failed."""
        return sum(slot.failures for slot in self._slots(start, end, routes))

    def as_one_second(self, start: int, end: int) -> Latencies:
        """All of the seconds [start, end) in the first of them: to be asked for many routes at once."""
        one = Latencies()
        for second in range(start, end):
            for route, slot in self._seconds.get(second, {}).items():
                one._slot(start, route).add(*slot.packed)
        return one

    def _slot(self, second: int, route: Route) -> _Slot:
        self._routes.add(route)
        return self._seconds[second][route]

    def _slots(self, start: int, end: int, routes: IsWanted | None) -> Iterator[_Slot]:
        for second in range(start, end):
            for route, slot in self._seconds.get(second, {}).items():
                if routes is None or routes(*route):
                    yield slot


class _Slot:
    """One route's requests in one second. A time is two bytes: the number of its bucket."""

    __slots__ = ("failures", "from_start", "late", "requests", "times")

    def __init__(self) -> None:
        self.requests = self.failures = 0
        self.times, self.from_start, self.late = array("H"), array("H"), array("H")

    def add(self, requests: int, failures: int, times: bytes, from_start: bytes, late: bytes) -> None:
        self.requests += requests
        self.failures += failures
        self.times.frombytes(times)
        self.from_start.frombytes(from_start)
        self.late.frombytes(late)

    @property
    def packed(self) -> tuple[int, int, bytes, bytes, bytes]:
        """As `add` takes it."""
        times = self.times.tobytes(), self.from_start.tobytes(), self.late.tobytes()
        return self.requests, self.failures, *times


def percentile(histogram: Mapping[float, int], share: float) -> float | None:
    """The least time that this share of the requests (0.95) did not exceed; None where there are none."""
    rank = ceil(share * sum(histogram.values()) - 1e-9)  # 0.95 times 20 is a hair more than 19
    for milliseconds in sorted(histogram):
        rank -= histogram[milliseconds]
        if rank <= 0:
            return milliseconds
    return None


def mean(histogram: Mapping[float, int]) -> float | None:
    """Their average in ms; None where there are none."""
    count = sum(histogram.values())
    return sum(milliseconds * times for milliseconds, times in histogram.items()) / count if count else None


def rounded(milliseconds: float) -> float:
    """A time to three digits, below 100 ms to a tenth of one."""
    return _milliseconds(_bucket(milliseconds))


def _histogram(all_times: Iterator[array[int]]) -> Histogram:
    buckets: Counter[int] = Counter()
    for times in all_times:
        buckets.update(times)
    return Counter({_milliseconds(bucket): count for bucket, count in buckets.items()})


def _bucket(milliseconds: float) -> int:
    """Its number: tenths of a ms below 100, then 100 to 999 of each power of ten."""
    if milliseconds < 100:
        return int(milliseconds * 10 + 0.5) if milliseconds > 0 else 0
    power = 0
    while milliseconds >= 999.5:
        milliseconds /= 10
        power += 1
    return _TENTHS + 900 * power + round(milliseconds) - 100


def _milliseconds(bucket: int) -> float:
    if bucket < _TENTHS:
        return bucket / 10
    power, digits = divmod(bucket - _TENTHS, 900)
    return float((digits + 100) * 10**power)

"""Latency: how long requests took, counted by route and by the second of the answer.

Workers round each time to three digits (below 100 ms to a tenth of a ms) and hand their counts over with
their reports; the master adds them up. The service time is from sending a request to its answer. Where a user
has a pace, the time from when the request was *due* is counted too. A user that waits for a slow API sends
its next request late. The service time hides this delay; the time from when the request was due includes it.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

KEY = "stampede_latency"
"""The key of the times in a worker's report."""

DUE = "stampede_due"
"""The key in the context of a paced user's request for when it was due, in seconds since the epoch. Only the
first request of a task is due; the later ones have None."""

Route = tuple[str, str]
"""Method and name."""

IsWanted = Callable[[str, str], bool]
"""A function that returns whether requests of a method and a name are wanted."""

Histogram = Counter[float]
"""The number of requests by their time in ms."""

MAX_DRAIN = 60
"""Seconds after which every request has been answered or has failed. A later answer means a wrong clock."""

_TENTHS = 1000
"""The number of buckets below 100 ms. Above, there are 900 for each power of ten."""


class Latencies:
    """The times of one worker since its last report; on the master, of all workers in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._seconds: defaultdict[int, defaultdict[Route, _Slot]] = defaultdict(lambda: defaultdict(_Slot))
        self._routes: set[Route] = set()  # kept, as collecting them is slow late in a long run
        self.total_requests = self.total_failures = 0
        """Of all seconds."""

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
        self.total_requests += 1
        if exception is not None:
            slot.failures += 1
            self.total_failures += 1
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
        """Move the times into a worker's report; a locustfile can name requests of its own by a number."""
        report[KEY] = [
            (second, str(method), str(name), *slot.packed)
            for second, slots in self._seconds.items()
            for (method, name), slot in slots.items()
        ]
        self.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the times of a worker's report."""
        for second, method, name, *packed in report.get(KEY, ()):
            self._slot(second, (method, name)).add(*packed)
            self.total_requests += packed[0]
            self.total_failures += packed[1]

    def routes(self) -> list[Route]:
        """Return all methods and names, sorted."""
        return sorted(self._routes)

    def drain_end(self, end: int) -> int:
        """Return the second after the last answer to a request sent before the second `end`."""
        last = max(self._seconds, default=end - 1)
        return min(max(end, last + 1), end + MAX_DRAIN)

    def histogram(
        self, start: int, end: int, routes: IsWanted | None = None, from_start: bool = False
    ) -> Histogram:
        """Return the times of the requests answered in the seconds [start, end), since the epoch.

        With `from_start`, times are from when a request was due, and only requests of paced users count.
        """
        return _histogram(
            slot.from_start if from_start else slot.times for slot in self._slots(start, end, routes)
        )

    def lateness(self, start: int, end: int, routes: IsWanted | None = None) -> Histogram:
        """Return how late the first request of each paced task was sent, in ms."""
        return _histogram(slot.late for slot in self._slots(start, end, routes))

    def requests(self, start: int, end: int, routes: IsWanted | None = None) -> int:
        """Return how many requests were answered or failed in the seconds [start, end)."""
        return sum(slot.requests for slot in self._slots(start, end, routes))

    def failures(self, start: int, end: int, routes: IsWanted | None = None) -> int:
        """Return how many requests failed in the seconds [start, end)."""
        return sum(slot.failures for slot in self._slots(start, end, routes))

    def as_one_second(self, start: int, end: int) -> Latencies:
        """Return the times of the seconds [start, end) as if all were of `start`.

        This is faster where figures of many routes are needed.
        """
        one_second = Latencies()
        for second in range(start, end):
            for route, slot in self._seconds.get(second, {}).items():
                one_second._slot(start, route).add(*slot.packed)
        return one_second

    def _slot(self, second: int, route: Route) -> _Slot:
        self._routes.add(route)
        return self._seconds[second][route]

    def _slots(self, start: int, end: int, routes: IsWanted | None) -> Iterator[_Slot]:
        for second in range(start, end):
            for route, slot in self._seconds.get(second, {}).items():
                if routes is None or routes(*route):
                    yield slot


class _Slot:
    """The requests of one route in one second. A time takes two bytes: the number of its bucket."""

    __slots__ = ("failures", "from_start", "late", "requests", "times")

    def __init__(self) -> None:
        self.requests = self.failures = 0
        self.times, self.from_start, self.late = array("H"), array("H"), array("H")

    def add(self, requests: int, failures: int, times: bytes, from_start: bytes, late: bytes) -> None:
        """Add the packed content of another slot."""
        self.requests += requests
        self.failures += failures
        self.times.frombytes(times)
        self.from_start.frombytes(from_start)
        self.late.frombytes(late)

    @property
    def packed(self) -> tuple[int, int, bytes, bytes, bytes]:
        """Return the content in the form that `add` takes."""
        times = self.times.tobytes(), self.from_start.tobytes(), self.late.tobytes()
        return self.requests, self.failures, *times


def requests_in(report: Mapping[str, Any]) -> int:
    """Return how many requests a worker's report counts."""
    return sum(requests for _second, _method, _name, requests, *_rest in report.get(KEY, ()))


def percentile(histogram: Mapping[float, int], share: float) -> float | None:
    """Return the lowest time that this share (0 to 1) of the requests did not exceed; None if it is empty."""
    rank = ceil(share * sum(histogram.values()) - 1e-9)  # 0.95 * 20 is slightly more than 19
    for milliseconds in sorted(histogram):
        rank -= histogram[milliseconds]
        if rank <= 0:
            return milliseconds
    return None


def mean(histogram: Mapping[float, int]) -> float | None:
    """Return the average time in ms, or None where there are no requests."""
    count = sum(histogram.values())
    return sum(milliseconds * times for milliseconds, times in histogram.items()) / count if count else None


def rounded(milliseconds: float) -> float:
    """Return a time in ms to three digits, below 100 ms to a tenth of a ms."""
    return _milliseconds(_bucket(milliseconds))


def _histogram(slot_times: Iterator[array[int]]) -> Histogram:
    buckets: Counter[int] = Counter()
    for times in slot_times:
        buckets.update(times)
    return Counter({_milliseconds(bucket): count for bucket, count in buckets.items()})


def _bucket(milliseconds: float) -> int:
    """Return the number of a time's bucket: tenths of a ms below 100 ms, then 100 to 999 per power of ten."""
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

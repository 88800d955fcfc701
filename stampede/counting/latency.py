"""Latency: how long requests took, counted by route and by the second of the answer.

The times are of *answered* requests. A request is unanswered if it failed and its response has no status: it
was refused, timed out, or was cut off at the stop. Times of failed requests are counted apart.

Workers round each time to three digits (below 100 ms to a tenth of a ms) and hand their counts over with
their reports; the master adds them up. The service time is from sending a request to its answer. Where a user
has a pace, the time from when the request was *due* is counted too. A user that waits for a slow API sends
its next request late. The service time hides this delay; the time from when the request was due includes it.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from math import ceil
from typing import Any, TypeVar

from stampede.counting import readable
from stampede.counting.buckets import bucket_of, time_of
from stampede.counting.names import Names, Route
from stampede.counting.readable import MOST_MS

KEY = "stampede_latency"
"""The key of the times in a worker's report."""

DUE = "stampede_due"
"""The key in the context of a paced user's request for when it was due, in seconds since the epoch. Only the
first request of a task is due; the later ones have None."""

AFTER_STOP = "stampede_latency_after_stop"
"""The key of the times of requests that were sent after the stop, in a worker's report."""

Key = TypeVar("Key", bound=Hashable)

IsWanted = Callable[[str, str], bool]
"""A function that returns whether requests of a method and a name are wanted."""

Histogram = Counter[float]
"""The number of requests by their time in ms."""

CURRENT_SECONDS = 10
"""Newest seconds that current percentiles are of."""

MAX_DRAIN = 60
"""Seconds after which every request has been answered or has failed. A later answer means a wrong clock."""


class Latencies:
    """The times of one worker since its last report; on the master, of all workers in a run.

    Requests that were sent after the stop are kept apart: they are part of the run, but not of its window.
    """

    def __init__(self, names: Names | None = None) -> None:
        """Begin without requests. `names` limits the names in the workers' reports."""
        self._names = names or Names()
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._stopped_at: float | None = None
        self._forget()

    def _forget(self) -> None:
        self._routes: set[Route] = set()  # kept, as collecting them is slow late in a long run
        self._seconds = _Seconds(self._routes)
        self._after_stop = _Seconds(self._routes)
        self.total_requests = self.total_failures = 0
        """Of all seconds, those after the stop included."""

    def stop(self) -> None:
        """Keep requests apart that are sent from now on, as the run stops."""
        self._stopped_at = time.time()

    def count(
        self,
        request_type: str,
        name: str,
        response_time: float | None = None,
        exception: object = None,
        context: Mapping[str, Any] | None = None,
        start_time: float | None = None,
        response: object = None,
        **_: Any,
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, the time in ms.

        User code can report values of any type: a request without a readable time is a request all the same.
        """
        now = time.time()
        if not (type(response_time) is float and 0.0 <= response_time < MOST_MS):
            response_time = readable.milliseconds(response_time)
        seconds = self._seconds
        stopped_at = self._stopped_at
        if stopped_at is not None and readable.sent_at(start_time, now, response_time) > stopped_at:
            seconds = self._after_stop
        slot = seconds[int(now)][request_type, name]
        slot.requests += 1
        self.total_requests += 1
        self.total_failures += exception is not None
        is_answered = exception is None or slot.count_failure(response, response_time)
        if response_time is None:
            return
        if is_answered:
            slot.times.append(bucket_of(response_time))
        if context and isinstance(context, dict) and DUE in context:
            sent = readable.sent_at(start_time, now, response_time)
            slot.count_start(context[DUE], sent, response_time, is_answered)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the times into a worker's report."""
        report[KEY] = self._seconds.packed()
        report[AFTER_STOP] = self._after_stop.packed()
        self._forget()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the times of a worker's report."""
        for key, seconds in ((KEY, self._seconds), (AFTER_STOP, self._after_stop)):
            for second, method, name, requests, failures, *times in report[key]:
                seconds[second][self._names.of(method, name)].add(requests, failures, *times)
                self.total_requests += requests
                self.total_failures += failures

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

        Requests that failed without an answer are not in it.

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
        """Return how many requests failed in the seconds [start, end), with or without an answer."""
        return sum(slot.failures for slot in self._slots(start, end, routes))

    def unanswered(self, start: int, end: int, routes: IsWanted | None = None) -> int:
        """Return how many requests failed without an answer in the seconds [start, end)."""
        return sum(slot.unanswered for slot in self._slots(start, end, routes))

    def failed(self, start: int, end: int, routes: IsWanted | None = None) -> Histogram:
        """Return the times of all failed requests, with or without an answer."""
        return _histogram(slot.failed for slot in self._slots(start, end, routes))

    def current_percentile(self, method: str, name: str, share: float) -> float | None:
        """Return a percentile (0 to 1) of a route's times in the newest seconds; None without a time."""
        now = int(time.time())
        newest = self.as_one_second(range(now - CURRENT_SECONDS, now)).of_routes((method, name))
        return percentile(newest.histogram(0, 1), share)

    def as_one_second(self, seconds: Iterable[int], all_sent: bool = False) -> Latencies:
        """Return the times of these seconds as if all were of the second 0.

        This is faster where several figures are needed. With `all_sent`, requests that were sent after the
        stop are included.
        """
        one_second = Latencies()
        for second in seconds:
            for table in (self._seconds, self._after_stop)[: 1 + all_sent]:
                for route, slot in table.get(second, _NOTHING).items():
                    one_second._seconds[0][route].add(*slot.packed)
        return one_second

    def of_routes(self, *routes: Route) -> Latencies:
        """Return the times of some routes up to the stop. This is faster than to look for them among many."""
        alone = Latencies()
        for second, slots in self._seconds.items():
            for route in routes:
                if route in slots:
                    alone._seconds[second][route] = slots[route]
        return alone

    def parts(self, source: Callable[[str, str], Key | None]) -> dict[Key, Latencies]:
        """Return the times up to the stop in parts: those of the routes for which `source` is the same.

        Routes for which it is None are left out.
        """
        parts: defaultdict[Key, Latencies] = defaultdict(Latencies)
        for second, slots in self._seconds.items():
            for route, slot in slots.items():
                if (key := source(*route)) is not None:
                    parts[key]._seconds[second][route] = slot
        return parts

    def _slots(self, start: int, end: int, routes: IsWanted | None) -> Iterator[_Slot]:
        for second in range(start, end):
            for route, slot in self._seconds.get(second, _NOTHING).items():
                if routes is None or routes(*route):
                    yield slot


class _Slot:
    """The requests of one route in one second. A time takes two bytes: the number of its bucket."""

    __slots__ = ("failed", "failures", "from_start", "late", "requests", "times", "unanswered")

    def __init__(self) -> None:
        self.requests = self.failures = self.unanswered = 0
        self.times, self.from_start, self.late, self.failed = (array("H") for _ in range(4))

    def count_failure(self, response: object, response_time: float | None) -> bool:
        """Count a failed request with its response. Returns whether it was answered."""
        self.failures += 1
        if response_time is not None:
            self.failed.append(bucket_of(response_time))
        is_answered = readable.has_status(response)
        self.unanswered += not is_answered
        return is_answered

    def count_start(self, due: float | None, sent: float, response_time: float, is_answered: bool) -> None:
        """Count when a request of a paced user was sent, compared to when it was due."""
        late = (sent - due) * 1000 if due else 0.0
        if is_answered:
            self.from_start.append(bucket_of(response_time + late if late > 0 else response_time))
        if due:
            self.late.append(bucket_of(late))

    def add(
        self,
        requests: int,
        failures: int,
        times: bytes,
        from_start: bytes,
        late: bytes,
        failed: bytes = b"",
        unanswered: int = 0,
    ) -> None:
        """Add the packed content of another slot."""
        self.requests += requests
        self.failures += failures
        self.unanswered += unanswered
        self.times.frombytes(times)
        self.from_start.frombytes(from_start)
        self.late.frombytes(late)
        self.failed.frombytes(failed)

    @property
    def packed(self) -> tuple[int, int, bytes, bytes, bytes, bytes, int]:
        """Return the content in the form that `add` takes."""
        return (
            self.requests,
            self.failures,
            self.times.tobytes(),
            self.from_start.tobytes(),
            self.late.tobytes(),
            self.failed.tobytes(),
            self.unanswered,
        )


class _Second(dict[Route, _Slot]):
    """The slots of one second by their route; a slot that is missing is made."""

    __slots__ = ("_routes",)

    def __init__(self, routes: set[Route]) -> None:
        self._routes = routes

    def __missing__(self, route: Route) -> _Slot:
        self._routes.add(route)
        slot = self[route] = _Slot()
        return slot


class _Seconds(dict[int, _Second]):
    """The slots of all routes, by second; a second that is missing is made. `routes` collects the routes."""

    def __init__(self, routes: set[Route]) -> None:
        self._routes = routes

    def __missing__(self, second: int) -> _Second:
        made = self[second] = _Second(self._routes)
        return made

    def packed(self) -> list[tuple[Any, ...]]:
        """Return the rows of a report: the second, the method, the name, and the slot's content."""
        return [
            (second, method, name, *slot.packed)
            for second, slots in self.items()
            for (method, name), slot in slots.items()
        ]


_NOTHING: Mapping[Route, _Slot] = {}


def requests_in(report: Mapping[str, Any]) -> int:
    """Return how many requests a worker's report counts."""
    rows = (*report[KEY], *report[AFTER_STOP])
    return sum(requests for _second, _method, _name, requests, *_times in rows)


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


def _histogram(slot_times: Iterator[array[int]]) -> Histogram:
    buckets: Counter[int] = Counter()
    for times in slot_times:
        buckets.update(times)
    return Counter({time_of(place): count for place, count in buckets.items()})

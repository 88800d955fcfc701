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
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import ceil
from typing import Any, TypeVar

from stampede.counting.names import Names, Route
from stampede.counting.older_requests import OlderRequests
from stampede.counting.packed_seconds import PackedSeconds
from stampede.counting.request import Request
from stampede.counting.slots import NOTHING, Row, Seconds
from stampede.counting.steps import Part, Steps
from stampede.counting.times import Sum

KEY = "stampede_latency"
"""The key of the times in a worker's report."""

AFTER_STOP = "stampede_latency_after_stop"
"""The key of the times of requests that were sent after the stop, in a worker's report."""

Key = TypeVar("Key", bound=Hashable)

IsWanted = Callable[[str, str], bool]
"""A function that returns whether requests of a method and a name are wanted."""

CURRENT_SECONDS = 10
"""Newest seconds that current percentiles are of."""

MAX_DRAIN = 60
"""Seconds after which every request has been answered or has failed. A later answer means a wrong clock."""


class Latencies:
    """The times of one worker since its last report; on the master, of all workers in a run.

    Requests that were sent after the stop are kept apart: they are part of the run, but not of its window.
    """

    def __init__(self, names: Names | None = None, steps: Steps | None = None) -> None:
        """Begin without requests.

        `names` limits the names in the workers' reports, `steps` are those of the run's older seconds.
        """
        self._names = names or Names()
        self._steps = steps or Steps()
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._stopped_at: float | None = None
        self._forget()

    def _forget(self) -> None:
        self._routes: set[Route] = set()  # kept, as collecting them is slow late in a long run
        self._seconds = Seconds(self._routes)
        self._packed = PackedSeconds()
        self._older = OlderRequests()
        self._after_stop = Seconds(self._routes)
        self.total_requests = self.total_failures = 0
        """Of all seconds, those after the stop included."""

    def stop(self) -> None:
        """Keep requests apart that are sent from now on, as the run stops."""
        self._stopped_at = time.time()

    def count(self, request: Request) -> None:
        """Count one request."""
        is_late = self._stopped_at is not None and request.sent > self._stopped_at
        (self._after_stop if is_late else self._seconds)[request.second][request.route].count(request)
        self.total_requests += 1
        self.total_failures += request.is_failed

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the times into a worker's report."""
        report[KEY] = self._seconds.rows()
        report[AFTER_STOP] = self._after_stop.rows()
        self._forget()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the times of a worker's report."""
        for key, seconds in ((KEY, self._seconds), (AFTER_STOP, self._after_stop)):
            for second, method, name, *row in report[key]:
                route = self._names.of(method, name)
                if part := self._steps.part_of(second):
                    self._routes.add(route)
                    self._older.add(part, route, row)
                else:
                    seconds[second][route].add_row(row)
                self.total_requests += row[0]
                self.total_failures += row[1]

    def pack(self, before: int) -> None:
        """Keep the seconds before this one in less space."""
        for second in [second for second in self._seconds if second < before]:
            self._packed.add(second, ((route, slot.row) for route, slot in self._seconds.pop(second).items()))

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        rows = [row for second in part for row in self._rows_of(second)]
        for second in part:
            self._seconds.pop(second, None)
            self._packed.pop(second)
        self._older.merge(part, rows)

    def join(self, part: Part, other: Part) -> None:
        """Add the requests of another part to a part."""
        self._older.join(part, other)

    def routes(self) -> list[Route]:
        """Return all methods and names, sorted."""
        return sorted(self._routes)

    def drain_end(self, end: int) -> int:
        """Return the second after the last answer to a request sent before the second `end`."""
        last: int = max((end - 1, *self._seconds, *self._packed.seconds))
        return min(max(end, last + 1), end + MAX_DRAIN)

    def current_percentile(self, method: str, name: str, share: float) -> float | None:
        """Return a percentile (0 to 1) of a route's times in the newest seconds; None without a time."""
        now = int(time.time())
        newest = self.by_route(range(now - CURRENT_SECONDS, now)).get((method, name))
        return percentile(newest.times.histogram(), share) if newest else None

    def sum(self, seconds: Iterable[int], all_sent: bool = False) -> Sum:
        """Return the sum of the requests that were answered or failed in these seconds.

        With `all_sent`, requests that were sent after the stop are included.
        """
        total = Sum()
        for second in seconds:
            for _route, row in self._rows_of(second, all_sent):
                total.add_row(row)
        total.add(self._older.total(seconds))
        return total

    def by_route(self, seconds: Iterable[int]) -> dict[Route, Sum]:
        """Return the sums of each route with requests in these seconds."""
        return self.grouped(seconds, lambda route: route)

    def grouped(
        self, seconds: Iterable[int], group: Callable[[Route], Key | None], all_sent: bool = False
    ) -> dict[Key, Sum]:
        """Return the sums of the routes of each group; routes for which it is None are left out."""
        sums: defaultdict[Key, Sum] = defaultdict(Sum)
        for second in seconds:
            for route, row in self._rows_of(second, all_sent):
                if (key := group(route)) is not None:
                    sums[key].add_row(row)
        for key, requests in self._older.grouped(seconds, group):
            sums[key].add(requests)
        return sums

    @property
    def longest_step(self) -> int:
        """Return the length of the longest step of merged seconds; 1 where none are merged."""
        return self._steps.longest

    def units(self, seconds: Sequence[int]) -> list[Sequence[int]]:
        """Return these seconds in units that cannot be divided: those of one part together."""
        selected = {*seconds}
        parts = [[second for second in part if second in selected] for part in self._steps.parts]
        recent = ([second] for second in seconds if second >= self._steps.end)
        return [*filter(None, parts), *recent]

    def _rows_of(self, second: int, all_sent: bool = False) -> Iterator[tuple[Route, Row]]:
        for table in (self._seconds, self._after_stop)[: 1 + all_sent]:
            for route, slot in table.get(second, NOTHING).items():
                yield route, slot.row
        yield from self._packed.rows(second)


def requests_in(report: Mapping[str, Any]) -> int:
    """Return how many requests a worker's report counts."""
    rows = (*report[KEY], *report[AFTER_STOP])
    return sum(requests for _second, _method, _name, requests, *_times in rows)


def percentile(histogram: Mapping[float, int], share: float) -> float | None:
    """Return the lowest time that this share (0 to 1) of the requests did not exceed; None if it is empty."""
    (found,) = all_percentiles(histogram, (share,))
    return found


def all_percentiles(histogram: Mapping[float, int], shares: Iterable[float]) -> list[float | None]:
    """Return the percentiles of these shares. This is faster than one after the other."""
    times = sorted(histogram)
    up_to = list(accumulate(histogram[milliseconds] for milliseconds in times))
    if not times:
        return [None for _ in shares]
    ranks = (ceil(share * up_to[-1] - 1e-9) for share in shares)  # 0.95 * 20 is slightly more than 19
    return [times[bisect_left(up_to, rank)] for rank in ranks]


def mean(histogram: Mapping[float, int]) -> float | None:
    """Return the average time in ms, or None where there are no requests."""
    count = sum(histogram.values())
    return sum(milliseconds * times for milliseconds, times in histogram.items()) / count if count else None

"""What Locust counted in a part of a run: the difference of two looks at its statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from locust.stats import RequestStats, StatsEntry, calculate_response_time_percentile

Route = tuple[str, str]
"""Method and name, as Locust keys its statistics."""


@dataclass(frozen=True, slots=True)
class Look:
    """One route's counts at one moment; times in ms, ``times`` counts requests by response time."""

    requests: int = 0
    failures: int = 0
    total_ms: float = 0.0
    times: Counter[int] = field(default_factory=Counter)

    def __sub__(self, earlier: Look) -> Look:
        return Look(
            self.requests - earlier.requests,
            self.failures - earlier.failures,
            self.total_ms - earlier.total_ms,
            self.times - earlier.times,
        )

    def __add__(self, other: Look) -> Look:
        return Look(
            self.requests + other.requests,
            self.failures + other.failures,
            self.total_ms + other.total_ms,
            self.times + other.times,
        )

    def figures(self) -> dict[str, float | int]:
        """Requests, failures, and the average and percentiles of the response time in ms."""
        if not self.requests:
            return {"requests": 0, "failures": self.failures}
        percentiles = {
            f"p{percent}_ms": calculate_response_time_percentile(self.times, self.requests, percent / 100)
            for percent in (50, 95, 99)
        }
        average = round(self.total_ms / self.requests, 2)
        return {"requests": self.requests, "failures": self.failures, "avg_ms": average, **percentiles}


def look(stats: RequestStats) -> dict[Route, Look]:
    """Every route's counts as they are now."""
    return {(entry.method, entry.name): _look(entry) for entry in stats.entries.values()}


def since(now: Mapping[Route, Look], earlier: Mapping[Route, Look]) -> dict[Route, Look]:
    """What came between two looks."""
    return {route: counts - earlier.get(route, Look()) for route, counts in now.items()}


def by_method(routes: Mapping[Route, Look]) -> dict[str, Look]:
    """The routes' counts added up by method."""
    methods: dict[str, Look] = {}
    for (method, _name), counts in routes.items():
        methods[method] = methods.get(method, Look()) + counts
    return methods


def rate(stats: RequestStats, start: float, end: float) -> float | None:
    """Requests per second over the whole seconds between two times; None where there is none.

    Workers stamp each request with its second, so this is exact where a difference of totals,
    which arrive a report late, is not.
    """
    seconds = range(ceil(start), int(end))
    if not seconds:
        return None
    per_second: dict[int, int] = stats.total.num_reqs_per_sec
    return round(sum(per_second.get(second, 0) for second in seconds) / len(seconds), 1)


def _look(entry: StatsEntry) -> Look:
    times = Counter(entry.response_times)
    return Look(entry.num_requests, entry.num_failures, entry.total_response_time, times)

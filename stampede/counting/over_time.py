"""The routes of a run over time, and the distributions of their response times. Pure.

Made once, at the end of a run: workers count nothing more for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from stampede.counting.figures import Percentiles, late_answers, percentiles
from stampede.counting.latency import Latencies
from stampede.counting.names import Route
from stampede.counting.times import Histogram, Sum
from stampede.facts.figures import RouteOverTime, RoutesOverTime

MOST_ROUTES = 30
"""Series of routes: those with the most requests, and the last for all others together."""

MOST_POINTS = 4000
"""Entries of all series of one figure together. In a longer run an entry is of several seconds."""

OTHERS = "all other routes"

BOUNDS_MS = [
    round(factor * 10.0**power, 2)
    for power in range(-1, 5)
    for factor in (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8)
]
"""From 0.1 ms to 80 s, ten for each power of ten."""


class _Series(NamedTuple):
    """The name of a series, and the routes in it."""

    method: str
    name: str
    routes: Sequence[Route]


def routes_over_time(
    latencies: Latencies, seconds: range, window: range, kept: Sequence[int]
) -> RoutesOverTime | None:
    """Return the figures of the routes in some seconds, since the epoch; None without a request.

    The distributions are of the `kept` seconds of the window, as all its figures are; of all seconds where
    the run has no window.
    """
    routes = _routes(latencies, seconds)
    if not routes:
        return None
    all_series = _series(routes)
    places = {route: place for place, series in enumerate(all_series) for route in series.routes}
    longest = latencies.longest_step
    length = ceil(ceil(len(seconds) * len(all_series) / MOST_POINTS) / longest) * longest
    start = seconds.start // longest * longest  # so that merged seconds are in one step
    points = [
        _points(latencies.grouped(step, places.get, all_sent=True), len(all_series))
        for step in _steps(seconds, start, length)
    ]
    counted = kept or window
    late = late_answers(latencies, window, counted) if window else ()
    in_window = latencies.grouped([*(counted or seconds), *late], places.get)
    rows = [
        _row(series, of_series, in_window.get(place, Sum()))
        for place, (series, of_series) in enumerate(zip(all_series, zip(*points, strict=True), strict=True))
    ]
    return RoutesOverTime(start=start, step_s=length, bounds_ms=BOUNDS_MS, routes=rows)


def _steps(seconds: range, start: int, length: int) -> list[range]:
    """Return these seconds in steps of so many, the first of which begins at `start`."""
    return [
        range(max(first, seconds.start), min(first + length, seconds.stop))
        for first in range(start, seconds.stop, length)
    ]


def _routes(latencies: Latencies, seconds: Iterable[int]) -> list[Route]:
    """Return the routes with requests, those with the most requests first."""
    sums = latencies.grouped(seconds, lambda route: route, all_sent=True)
    counts = Counter({route: sums[route].requests for route in sorted(sums)})
    return [route for route, _ in counts.most_common()]


def _series(routes: Sequence[Route]) -> list[_Series]:
    """Return a series for each route, sorted by name; the last may be of all others."""
    own = routes if len(routes) <= MOST_ROUTES else routes[: MOST_ROUTES - 1]
    by_name = sorted(own, key=lambda route: (route[1], route[0]))
    series = [_Series(*route, [route]) for route in by_name]
    if others := routes[len(own) :]:
        series.append(_Series("", OTHERS, others))
    return series


class _Point(NamedTuple):
    """The figures of a series in one step."""

    requests: int
    failures: int
    times: Percentiles


def _points(sums: Mapping[int, Sum], number: int) -> list[_Point]:
    """Return the figures of so many series in one step, from their sums by place."""
    of_series = (sums.get(place, Sum()) for place in range(number))
    return [_Point(each.requests, each.failures, percentiles(each.times.histogram())) for each in of_series]


def _row(series: _Series, points: Sequence[_Point], in_window: Sum) -> RouteOverTime:
    return RouteOverTime(
        method=series.method,
        name=series.name,
        requests=[point.requests for point in points],
        failures=[point.failures for point in points],
        p50_ms=[point.times.p50_ms for point in points],
        p95_ms=[point.times.p95_ms for point in points],
        p99_ms=[point.times.p99_ms for point in points],
        distribution=_distribution(in_window.times.histogram()),
    )


def _distribution(times: Histogram) -> list[int]:
    counts = [0] * (len(BOUNDS_MS) + 1)
    for milliseconds, number in times.items():
        counts[bisect_left(BOUNDS_MS, milliseconds)] += number
    return counts

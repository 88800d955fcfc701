"""The routes of a run over time, and the distributions of their response times. Pure.

Made once, at the end of a run: workers count nothing more for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

from stampede.counting.figures import late_answers, percentiles
from stampede.counting.latency import Histogram, Latencies
from stampede.counting.names import Route
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
    latencies: Latencies, seconds: Sequence[int], window: range, kept: Sequence[int]
) -> RoutesOverTime | None:
    """Return the figures of the routes in some seconds in a row, since the epoch; None without a request.

    The distributions are of the `kept` seconds of the window, as all its figures are; of all seconds where
    the run has no window.
    """
    routes = _routes(latencies, seconds)
    if not routes:
        return None
    step = ceil(len(seconds) * min(len(routes), MOST_ROUTES) / MOST_POINTS)
    steps = [
        latencies.as_one_second(seconds[place : place + step], all_sent=True)
        for place in range(0, len(seconds), step)
    ]
    counted = kept or window
    late = late_answers(latencies, window, counted) if window else ()
    in_window = latencies.as_one_second([*(counted or seconds), *late])
    rows = [_row(series, steps, in_window) for series in _series(routes)]
    return RoutesOverTime(start=seconds[0], step_s=step, bounds_ms=BOUNDS_MS, routes=rows)


def _routes(latencies: Latencies, seconds: Iterable[int]) -> list[Route]:
    """Return the routes with requests, those with the most requests first."""
    whole = latencies.as_one_second(seconds, all_sent=True)
    counts = Counter({route: whole.of_routes(route).requests(0, 1) for route in whole.routes()})
    return [route for route, _ in counts.most_common()]


def _series(routes: Sequence[Route]) -> list[_Series]:
    """Return a series for each route, sorted by name; the last may be of all others."""
    own = routes if len(routes) <= MOST_ROUTES else routes[: MOST_ROUTES - 1]
    by_name = sorted(own, key=lambda route: (route[1], route[0]))
    series = [_Series(*route, [route]) for route in by_name]
    if others := routes[len(own) :]:
        series.append(_Series("", OTHERS, others))
    return series


def _row(series: _Series, steps: Sequence[Latencies], in_window: Latencies) -> RouteOverTime:
    of_series = [step.of_routes(*series.routes) for step in steps]
    times = [percentiles(step.histogram(0, 1)) for step in of_series]
    return RouteOverTime(
        method=series.method,
        name=series.name,
        requests=[step.requests(0, 1) for step in of_series],
        failures=[step.failures(0, 1) for step in of_series],
        p50_ms=[each.p50_ms for each in times],
        p95_ms=[each.p95_ms for each in times],
        p99_ms=[each.p99_ms for each in times],
        distribution=_distribution(in_window.of_routes(*series.routes).histogram(0, 1)),
    )


def _distribution(times: Histogram) -> list[int]:
    counts = [0] * (len(BOUNDS_MS) + 1)
    for milliseconds, number in times.items():
        counts[bisect_left(BOUNDS_MS, milliseconds)] += number
    return counts

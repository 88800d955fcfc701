"""The figures of a part of a run, in whole seconds: each request is counted where its answer came. Pure."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import NamedTuple

from msgspec.structs import asdict

from stampede.counting.latency import Histogram, IsWanted, Latencies, mean, percentile
from stampede.facts.figures import Figures, FromStart, Pace, RouteFigures, Window

LATE_MS = 10.0
"""A request that is sent so much later than it was due is late: less is a busy worker's affair."""


class Percentiles(NamedTuple):
    """Of times, in ms; None where there are none."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def whole_seconds(start: float, end: float) -> tuple[int, int]:
    """Return the first of the whole seconds between two times, and the one after the last."""
    return ceil(start), int(end)


def figures(latencies: Latencies, start: int, end: int, routes: IsWanted | None = None) -> Figures:
    """Return what was answered in the seconds [start, end), since the epoch."""
    times = latencies.histogram(start, end, routes)
    average = mean(times)
    return Figures(
        requests=latencies.requests(start, end, routes),
        failures=latencies.failures(start, end, routes),
        avg_ms=None if average is None else round(average, 2),
        **percentiles(times)._asdict(),
        max_ms=max(times, default=None),
        from_start=_from_start(latencies.histogram(start, end, routes, from_start=True)),
    )


def _from_start(times: Histogram) -> FromStart | None:
    return FromStart(**percentiles(times)._asdict(), max_ms=max(times)) if times else None


def percentiles(times: Histogram) -> Percentiles:
    """Return the percentiles that are shown everywhere."""
    return Percentiles(*(percentile(times, share) for share in (0.50, 0.95, 0.99)))


def window(latencies: Latencies, start: int, end: int) -> Window:
    """Return all figures of the seconds [start, end), at least one: together, by method and by route.

    What was answered later was sent in them, and counts for all but the rate.
    """
    routes, one = latencies.routes(), latencies.as_one_second(start, latencies.drained(end))
    return Window(
        start=start,
        end=end,
        seconds=end - start,
        rps=_rate(latencies, start, end),
        total=figures(one, start, start + 1),
        by_method={
            wanted: figures(one, start, start + 1, partial(_is_method, wanted))
            for wanted in sorted({method for method, _ in routes})
        },
        routes=[_of_route(one, start, method, name) for method, name in routes],
    )


def _of_route(one: Latencies, second: int, method: str, name: str) -> RouteFigures:
    found = figures(one, second, second + 1, partial(_is_route, method, name))
    return RouteFigures(method=method, name=name, **asdict(found))


def pace(latencies: Latencies, start: int, end: int, wanted_rps: float | None) -> Pace:
    """Return what was to be offered in the seconds [start, end), what was, and how late."""
    lateness = latencies.lateness(start, end)
    return Pace(
        wanted_rps=wanted_rps,
        sent_rps=_rate(latencies, start, end),
        late_p99_ms=percentile(lateness, 0.99),
        waited_late=sum(count for late, count in lateness.items() if late >= LATE_MS),
    )


def _rate(latencies: Latencies, start: int, end: int) -> float:
    return round(latencies.requests(start, end) / (end - start), 1)


def _is_method(wanted: str, method: str, _name: str) -> bool:
    return method == wanted


def _is_route(wanted: str, wanted_name: str, method: str, name: str) -> bool:
    return (method, name) == (wanted, wanted_name)

"""The figures of a part of a run, in whole seconds: each request is counted where its answer came. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Any

from stampede.counting.latency import Histogram, IsWanted, Latencies, mean, percentile

PERCENTILES = (50, 95, 99)

LATE_MS = 10.0
"""A request that is sent so much later than it was due is late: less is a busy worker's affair."""

Figures = dict[str, Any]


def whole_seconds(start: float, end: float) -> tuple[int, int]:
    """The first of the whole seconds between two times, and the one after the last."""
    return ceil(start), int(end)


def figures(latencies: Latencies, start: int, end: int, routes: IsWanted | None = None) -> Figures:
    """What was answered in the seconds [start, end): requests, failures, their times in ms, and under
    ``from_start`` the times from when they were due; None where there are none."""
    times = latencies.histogram(start, end, routes)
    from_start = latencies.histogram(start, end, routes, from_start=True)
    average = mean(times)
    return {
        "requests": latencies.requests(start, end, routes),
        "failures": latencies.failures(start, end, routes),
        "avg_ms": None if average is None else round(average, 2),
        **percentiles(times),
        "max_ms": max(times, default=None),
        "from_start": {**percentiles(from_start), "max_ms": max(from_start)} if from_start else None,
    }


def percentiles(histogram: Histogram) -> Figures:
    """``{"p50_ms": 4.1, …}``"""
    return {f"p{percent}_ms": percentile(histogram, percent / 100) for percent in PERCENTILES}


def window(latencies: Latencies, start: int, end: int) -> Figures:
    """All figures of the seconds [start, end), at least one: together, by method and by route. What was
    answered later was sent in them, and counts for all but the rate."""
    routes, one = latencies.routes(), latencies.as_one_second(start, latencies.drained(end))
    return {
        "start": start,
        "end": end,
        "seconds": end - start,
        "rps": _rate(latencies, start, end),
        "total": figures(one, start, start + 1),
        "by_method": {
            wanted: figures(one, start, start + 1, partial(_is_method, wanted))
            for wanted in sorted({method for method, _ in routes})
        },
        "routes": [
            {
                "method": method,
                "name": name,
                **figures(one, start, start + 1, partial(_is_route, method, name)),
            }
            for method, name in routes
        ],
    }


def pace(latencies: Latencies, start: int, end: int, wanted_rps: float | None) -> Figures:
    """What was to be offered in these seconds, what was, and how late.

    ``late_p99_ms``: how much later than due users sent; ``waited_late``: how many sent LATE_MS late or more.
    """
    lateness = latencies.lateness(start, end)
    return {
        "wanted_rps": wanted_rps,
        "sent_rps": _rate(latencies, start, end),
        "late_p99_ms": percentile(lateness, 0.99),
        "waited_late": sum(count for late, count in lateness.items() if late >= LATE_MS),
    }


def second(latencies: Latencies, outcomes: Mapping[int, int], at: int) -> Figures:
    """The figures of one second, for the timeline."""
    times = latencies.histogram(at, at + 1)
    return {
        "requests": latencies.requests(at, at + 1),
        "failures": latencies.failures(at, at + 1),
        "outcomes": {str(status): count for status, count in sorted(outcomes.items())},
        **percentiles(times),
        "from_start_p99_ms": percentile(latencies.histogram(at, at + 1, from_start=True), 0.99),
    }


def _rate(latencies: Latencies, start: int, end: int) -> float:
    return round(latencies.requests(start, end) / (end - start), 1)


def _is_method(wanted: str, method: str, _name: str) -> bool:
    return method == wanted


def _is_route(wanted: str, wanted_name: str, method: str, name: str) -> bool:
    return (method, name) == (wanted, wanted_name)

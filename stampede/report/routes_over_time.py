"""The charts that can show a single route: what they draw for each of them. Pure."""

from __future__ import annotations

from typing import Any

from stampede.facts.figures import RouteOverTime, RoutesOverTime
from stampede.facts.run_json import Facts
from stampede.report import formatting
from stampede.report.drawing import Chart, Trace, bars, line
from stampede.report.series import Axis, Column

ALL_ROUTES = "all routes"

DISTRIBUTION = "distribution"

Drawn = dict[str, list[Trace]]
"""The traces of one route, by the id of the chart that they are drawn in."""


def traces(run: Facts) -> dict[str, Drawn]:
    """Return the traces of each route, by its name; none where the run has no figures by route."""
    over_time = run.routes_over_time
    if over_time is None:
        return {}
    return {_name(route): _traces(over_time, route) for route in over_time.routes}


def _name(route: RouteOverTime) -> str:
    return f"{route.method} {route.name}".strip()


def _traces(over_time: RoutesOverTime, route: RouteOverTime) -> Drawn:
    step = over_time.step_s
    axis = Axis(over_time.start, over_time.start + len(route.requests) - 1)
    per_second: Column = [number / step for number in route.requests]
    failed: Column = [number / step for number in route.failures]
    times = ((route.p50_ms, "p50", "green"), (route.p95_ms, "p95", "blue"), (route.p99_ms, "p99", "amber"))
    return {
        "throughput": [
            line(axis, per_second, "requests", "blue", fill="tozeroy", step_s=step),
            line(axis, failed, "failures", "red", step_s=step),
        ],
        "latency": [
            # With a dot for each value: a line between two seconds without an answer would not be seen.
            line(axis, values, name, colour, step_s=step) | {"mode": "lines+markers", "marker": {"size": 4}}
            for values, name, colour in times
        ],
        DISTRIBUTION: [_bars(over_time.bounds_ms, route.distribution)],
    }


def distribution(run: Facts) -> Chart | None:
    """Return the chart of how many requests took how long: of all routes; `traces` has those of each."""
    over_time = run.routes_over_time
    if over_time is None:
        return None
    counts = [sum(column) for column in zip(*(route.distribution for route in over_time.routes), strict=True)]
    if not any(counts):
        return None
    layout: dict[str, Any] = {
        "showlegend": False,
        "bargap": 0.08,
        "xaxis": {"type": "category", "fixedrange": True, "showgrid": False},
        "yaxis": {"rangemode": "tozero", "fixedrange": True, "ticksuffix": " %"},
    }
    figure = {"data": [_bars(over_time.bounds_ms, counts)], "layout": layout}
    says = f"{formatting.count(sum(counts), 'request')}, from {_span(over_time.bounds_ms, counts)}"
    title = "Distribution of response times"
    return Chart(DISTRIBUTION, title, "% of the answered requests in the window, by time in ms", says, figure)


def _bars(bounds: list[float], counts: list[int]) -> Trace:
    """Return a bar for each bin from the first to the last that has requests."""
    first, last = _first_and_last(counts)
    total = max(1, sum(counts))
    names = [*map(_bin, [0.0, *bounds], [*bounds, None])]
    shown = range(first, last + 1)
    return bars(
        [names[place] for place in shown],
        [round(100 * counts[place] / total, 3) for place in shown],
        [counts[place] for place in shown],
    )


def _bin(least: float, most: float | None) -> str:
    return f"> {formatting.compact(least)}" if most is None else f"≤ {formatting.compact(most)}"


def _first_and_last(counts: list[int]) -> tuple[int, int]:
    """Return the places of the first and the last bin with requests; an empty span where there is none."""
    filled = [place for place, number in enumerate(counts) if number]
    return (filled[0], filled[-1]) if filled else (0, -1)


def _span(bounds: list[float], counts: list[int]) -> str:
    """Return the least and the most time of the requests, as their bins have it."""
    first, last = _first_and_last(counts)
    least, most = [0.0, *bounds][first], [*bounds, bounds[-1]][last]
    return f"{formatting.compact(least)} ms to {formatting.compact(most)} ms"

"""The parts of plotly figures: lines and axes, as plain dicts. Pure.

Colours have names; page.css has the shades of each for light and for dark mode.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from math import ceil
from typing import Any, NamedTuple

from stampede.report.series import Axis, Column

Trace = dict[str, Any]

MOST_POINTS = 600
"""Points of a line: a second each in a run of up to ten minutes."""


class Chart(NamedTuple):
    """One chart. `figure` is for plotly; `says` describes it for readers who cannot see it."""

    id: str
    title: str
    unit: str
    says: str
    figure: dict[str, Any]


def chart(axis: Axis, key: str, title: str, unit: str, traces: list[Trace], says: str) -> Chart | None:
    """Return a chart over time of the traces that have values; None where no trace has any."""
    traces = [trace for trace in traces if any(value is not None for value in trace["y"])]
    if not traces:
        return None
    layout: dict[str, Any] = {
        "hovermode": "x unified",
        "xaxis": {
            "type": "date",
            "range": [date(axis.first), date(axis.last + 1)],
            "hoverformat": "%H:%M:%S UTC",
        },
        "yaxis": {"rangemode": "tozero", "fixedrange": True},
    }
    if any("yaxis" in trace for trace in traces):
        layout["yaxis2"] = {
            **{"overlaying": "y", "side": "right", "rangemode": "tozero"},
            **{"fixedrange": True, "showgrid": False},
        }
    return Chart(key, title, unit, says, {"data": traces, "layout": layout})


def line(
    axis: Axis,
    values: Column,
    name: str,
    colour: str,
    *,
    dash: str = "solid",
    fill: str = "none",
    step: bool = False,
    second: bool = False,
    step_s: int = 1,
) -> Trace:
    """Return a line with a value every `step_s` seconds, on the left axis, or on the right one with `second`.

    Of a long run each point is the highest value of several seconds: the report must not grow with the run.
    """
    values = axis.by_second(values)
    joined = ceil(len(values) / MOST_POINTS)
    if joined > 1:
        values = [_highest(values[place : place + joined]) for place in range(0, len(values), joined)]
        step_s *= joined
    trace: Trace = {
        **{"type": "scatter", "mode": "lines", "name": html.escape(name), "fill": fill},
        **{"x0": date(axis.first), "dx": 1000 * step_s, "y": [_short(value) for value in values]},
        "line": {"color": colour, "width": 1.75, "dash": dash, "shape": "hv" if step else "linear"},
    }
    return trace | {"yaxis": "y2"} if second else trace


def _short(value: float | None) -> float | None:
    """Return a value with the digits that a chart can show: all others only make the report larger."""
    if value is None:
        return None
    rounded = round(value, 2 if abs(value) < 100 else 1)
    return int(rounded) if rounded == int(rounded) else rounded


def _highest(values: Column) -> float | None:
    return max((value for value in values if value is not None), default=None)


def stacked(axis: Axis, values: Column, name: str, colour: str) -> Trace:
    """Return an area that is stacked on the areas before it."""
    trace = line(axis, values, name, colour, step=True)
    trace["line"]["width"] = 0.5
    return trace | {"stackgroup": "all", "fill": "tonexty"}


def bars(names: list[str], percents: list[float], counts: list[int]) -> Trace:
    """Return a bar for each name, in percent; the counts are shown where the pointer rests."""
    return {
        **{"type": "bar", "name": "requests", "x": names, "y": percents, "customdata": counts},
        "hovertemplate": "%{x} ms: %{y} %<br>%{customdata:,} requests<extra></extra>",
        "marker": {"color": "blue"},
    }


def level(axis: Axis, value: float, name: str, colour: str) -> Trace:
    """Return a horizontal line."""
    return line(axis, [value for _ in axis.seconds], name, colour, dash="dash")


def date(second: float) -> str:
    """Return a time as plotly reads it: UTC, without the name of a time zone."""
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}"

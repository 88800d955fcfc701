"""Marks in all charts over time: the window, and the events by their numbers. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Any

from stampede.facts.event import Event
from stampede.facts.run_json import Facts
from stampede.report import formatting
from stampede.report.drawing import date
from stampede.report.events import Numbered, most_important, numbered
from stampede.report.series import Axis
from stampede.verdict.silences import is_silence

MOST_MARKS = 60
"""Events marked in the charts: more would hide the lines."""
HOVERED = 12
"""Events listed when the pointer rests on a number."""
LONGEST_LINE = 110
"""Characters of each event in that list."""


def marks(run: Facts, axis: Axis) -> dict[str, Any]:
    """Return the marks for plotly's layout.

    The window and the times in which the target did not answer are shaded, each event is a numbered line.
    """
    events = _marked(run, axis)
    silent = (event for _, event in events if is_silence(event))
    shapes = [
        *_window(run),
        *(_shaded(event.at, event.facts["until"], "silent") for event in silent),
        *(_event_line(event) for _, event in events),
    ]
    notes = [_event_number(names, event) for names, event in _grouped(events, axis)]
    return {"shapes": shapes, "annotations": notes}


def _marked(run: Facts, axis: Axis) -> list[Numbered]:
    inside = [(number, event) for number, event in numbered(run) if axis.first <= event.at <= axis.last + 1]
    return most_important(inside, MOST_MARKS)


def _window(run: Facts) -> Iterator[dict[str, Any]]:
    if run.window:
        yield _shaded(run.window.start, run.window.end, "window")


def _shaded(start: float, end: float, shade: str) -> dict[str, Any]:
    return {
        **{"type": "rect", "xref": "x", "yref": "paper", "layer": "below"},
        **{"x0": date(start), "x1": date(end), "y0": 0, "y1": 1, "fillcolor": shade, "line": {"width": 0}},
    }


def _event_line(event: Event) -> dict[str, Any]:
    at = date(event.at)
    line = {"color": "grey", "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": line}


def _grouped(events: Iterable[Numbered], axis: Axis) -> Iterator[tuple[list[Numbered], Event]]:
    """Yield groups of events whose numbers would overlap, each with its first event."""
    near = (axis.last + 1 - axis.first) / 20
    group: list[Numbered] = []
    for number, event in events:
        if group and event.at - group[0][1].at > near:
            yield group, group[0][1]
            group = []
        group.append((number, event))
    if group:
        yield group, group[0][1]


def _event_number(group: list[Numbered], first: Event) -> dict[str, Any]:
    numbers = [number for number, _ in group]
    text = str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
    hover = "<br>".join(_one_line(number, event) for number, event in most_important(group, HOVERED))
    if len(group) > HOVERED:
        hover += f"<br>and {len(group) - HOVERED} more"
    return {
        **{"x": date(first.at), "y": 1, "xref": "x", "yref": "paper"},
        **{"yanchor": "bottom", "showarrow": False, "text": text, "hovertext": hover},
    }


def _one_line(number: int, event: Event) -> str:
    """Return an event as HTML, cut to LONGEST_LINE characters of text."""
    what = f"{formatting.title(event.name)} {formatting.event(event)}"
    return html.escape(f"{number} · {formatting.clock(event.at)} · {what}"[:LONGEST_LINE])

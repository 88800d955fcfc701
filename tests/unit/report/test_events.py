"""Faults are not lost among what happens all the time."""

from __future__ import annotations

import csv
import io
from typing import Any

from stampede.report import series, tables
from stampede.report.annotations import HOVERED, MOST_MARKS, marks
from stampede.report.events import most_important, numbered
from stampede.report.page import page
from stampede.report.timeline_csv import timeline
from stampede.verdict.verdict import verdict
from tests import runs

FAULT = {"name": "worker_lost", "at": runs.START + 41, "id": "1-a1b2c3"}
RESTARTED = {"name": "api_restarted", "at": runs.START + 40}


def usual(count: int) -> list[dict[str, Any]]:
    """Ten a second from the tenth on."""
    return [
        {"name": ("depleted", "restocked")[place % 2], "at": runs.START + 10 + place / 10}
        for place in range(count)
    ]


def test_faults_come_before_the_usual_and_all_stay_in_their_order() -> None:
    run = runs.run(events=[*usual(9), RESTARTED, *usual(9), FAULT])
    assert [number for number, _ in most_important(numbered(run), 4)] == [1, 2, 10, 20]
    assert [number for number, _ in most_important(numbered(run), 1)] == [10]
    assert most_important(numbered(run), 99) == numbered(run)


def test_a_fault_is_marked_and_listed_however_much_was_sold_out() -> None:
    run = runs.run(events=[*usual(300), RESTARTED, FAULT])
    axis = series.axis(run)
    assert axis
    drawn = marks(run, axis)
    assert len([shape for shape in drawn["shapes"] if shape["type"] == "line"]) == MOST_MARKS
    assert any("302 · " in note["hovertext"] for note in drawn["annotations"])
    listed = tables.events(run)
    assert len(listed) == tables.MOST_EVENTS
    assert [row[2] for row in listed[-2:]] == ["api restarted", "worker lost"]


def test_a_number_of_many_events_tells_its_faults() -> None:
    """Sixty within three seconds have one number."""
    run = runs.run(events=[*usual(25), {**FAULT, "at": runs.START + 12.5}])
    axis = series.axis(run)
    assert axis
    (note,) = marks(run, axis)["annotations"]
    assert note["text"] == "1–26"
    assert "26 · 21:07:12 · worker lost" in note["hovertext"]
    assert note["hovertext"].endswith(f"<br>and {26 - HOVERED} more")


def test_a_report_says_what_it_leaves_out() -> None:
    few, many = runs.run(), runs.run(events=[*usual(300), FAULT])
    assert "faults before" not in page(few, verdict(few), [])
    text = page(many, verdict(many), [])
    assert f"At most {MOST_MARKS} events are drawn, faults first" in text
    assert "200 of 301 events, faults first" in text


def test_a_time_without_an_answer_is_shaded_and_listed_with_its_end() -> None:
    """And is a column of timeline.csv."""
    facts = {"until": runs.START + 33, "seconds": 3}
    silence = {"name": "target_silent", "at": runs.START + 30, "facts": facts}
    run = runs.run(events=[silence])
    axis = series.axis(run)
    assert axis is not None
    (shaded,) = (shape for shape in marks(run, axis)["shapes"] if shape.get("fillcolor") == "silent")
    assert (shaded["x0"][-8:], shaded["x1"][-8:]) == ("21:07:30", "21:07:33")
    assert tables.events(run) == [("1", "21:07:30", "target silent", "seconds 3, until 21:07:33")]
    rows = [*csv.DictReader(io.StringIO(timeline(run)))]
    assert [place for place, row in enumerate(rows) if row["silent"] == "1"] == [30, 31, 32]
    assert page(run, verdict(run), [])


def test_an_event_of_an_audit_may_have_the_name_of_ours() -> None:
    run = runs.run(events=[{"name": "target_silent", "at": runs.START + 30, "facts": {"until": "x"}}])
    assert "until x" in page(run, verdict(run), [])
    assert timeline(run)

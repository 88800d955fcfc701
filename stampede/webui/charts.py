"""A page with the live charts of the newest run: those of its report, drawn while it goes on.

=================================  ============================================================
``GET /stampede/charts``           the page
``GET /stampede/charts/data``      ``{id, phase, profile, in_progress, charts}``: each chart is
                                   ``{id, title, unit, says, figure}``
``GET /stampede/plotly.min.js``    what draws them: it comes with the installed package
``GET /stampede/drawing.js``       how they look: the report's own
=================================  ============================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template, send_file
from locust.web import WebUI

from stampede.facts.check import Facts
from stampede.report import drawing as drawing_of_reports
from stampede.report.charts import charts
from stampede.run.runs import Runs
from stampede.webui.live import Live

NEWEST = 900
"""Seconds that are drawn: more would keep the master busy. The report has all."""

A_DAY = 86_400
"""Seconds that a browser keeps the library."""

Row = Mapping[str, Any]


def add(pages: Blueprint, web_ui: WebUI, runs: Runs, live: Live) -> None:
    """Add the routes."""

    @pages.get("/charts")
    @web_ui.auth_required_if_enabled
    def charts_page() -> str:
        return render_template("stampede/charts.html")

    @pages.get("/charts/data")
    @web_ui.auth_required_if_enabled
    def charts_data() -> Response:
        facts = live.look().facts
        run = {name: facts.get(name) for name in ("id", "phase", "profile")}
        drawn = [chart._asdict() for chart in charts(newest(facts))] if facts else []
        told = {**run, "in_progress": runs.in_progress, "charts": drawn}
        return Response(json.dumps(told, separators=(",", ":")), mimetype="application/json")

    @pages.get("/plotly.min.js")
    @web_ui.auth_required_if_enabled
    def plotly() -> Response:
        script = distribution("plotly").locate_file("plotly/package_data/plotly.min.js")
        return send_file(str(script), mimetype="text/javascript", conditional=True, max_age=A_DAY)

    @pages.get("/drawing.js")
    @web_ui.auth_required_if_enabled
    def drawing() -> Response:
        return send_file(Path(drawing_of_reports.__file__).with_suffix(".js"), mimetype="text/javascript")


def newest(facts: Facts) -> dict[str, Any]:
    """The facts with their NEWEST seconds only."""
    rows, samples = facts.get("seconds") or [], facts.get("samples") or {}
    first = rows[-1]["second"] - NEWEST if rows else 0
    kept: dict[str, Any] = {role: _since(first, each) for role, each in samples.items() if role != "workers"}
    kept["workers"] = {label: _since(first, each) for label, each in samples.get("workers", {}).items()}
    return {**facts, "seconds": _since(first, rows), "samples": kept}


def _since(first: int, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["second"] > first]

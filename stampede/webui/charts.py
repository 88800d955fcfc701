"""The page of live charts: the charts of a run's report, drawn during the run.

=================================  ============================================================
``GET /stampede/charts``           the page
``GET /stampede/charts/data``      ``{id, phase, profile, status, in_progress, charts}``: ``status``
                                   is the text above the charts; each chart is
                                   ``{id, title, unit, says, figure}``
``GET /stampede/plotly.min.js``    the library that draws them, as reports contain it
``GET /stampede/drawing.js``       the report's script that lays them out
=================================  ============================================================
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from flask import Blueprint, Response, render_template, send_file
from locust.web import WebUI
from msgspec.structs import replace

from stampede.facts.run_json import Facts
from stampede.facts.samples import Samples
from stampede.report import drawing as drawing_of_reports
from stampede.report import formatting
from stampede.report.charts import charts
from stampede.report.page import PLOTLY
from stampede.report.series import AnyRow
from stampede.run.driver import Driver
from stampede.webui.live import NEWEST_SECONDS, Live

CACHE_SECONDS = 86_400
"""Seconds for which a browser may keep the library."""


def add(pages: Blueprint, web_ui: WebUI, driver: Driver, live: Live) -> None:
    """Add the routes to the blueprint."""

    @pages.get("/charts")
    @web_ui.auth_required_if_enabled
    def charts_page() -> str:
        return render_template("stampede/charts.html")

    @pages.get("/charts/data")
    @web_ui.auth_required_if_enabled
    def charts_data() -> Response:
        facts = live.snapshot().facts
        run = {name: getattr(facts, name, None) for name in ("id", "phase", "profile")}
        drawn = [chart._asdict() for chart in charts(newest(facts))] if facts else []
        content = {**run, "status": status(facts), "in_progress": driver.in_progress, "charts": drawn}
        return Response(json.dumps(content, separators=(",", ":")), mimetype="application/json")

    @pages.get("/plotly.min.js")
    def plotly() -> Response:
        return send_file(PLOTLY, mimetype="text/javascript", conditional=True, max_age=CACHE_SECONDS)

    @pages.get("/drawing.js")
    def drawing() -> Response:
        return send_file(Path(drawing_of_reports.__file__).with_suffix(".js"), mimetype="text/javascript")


def status(facts: Facts | None) -> str:
    """Return the text above the charts: the run and what happens in it."""
    if facts is None:
        return "No run yet. The charts appear when a run starts."
    return f"{facts.id}, {formatting.load_name(facts)}: {formatting.PHASES[facts.phase]}"


def newest(facts: Facts) -> Facts:
    """Return the facts with their newest seconds only: more would keep the master busy."""
    first = facts.seconds[-1].second - NEWEST_SECONDS if facts.seconds else 0
    samples = Samples(
        api=_since(first, facts.samples.api),
        postgres=_since(first, facts.samples.postgres),
        master=_since(first, facts.samples.master),
        workers={label: _since(first, rows) for label, rows in facts.samples.workers.items()},
    )
    return replace(facts, seconds=_since(first, facts.seconds), samples=samples)


def _since(first: int, rows: Sequence[AnyRow]) -> list[AnyRow]:
    return [row for row in rows if row.second > first]

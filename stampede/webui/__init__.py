"""Additions to Locust's web UI: tabs, charts, the reports of all runs, profiles and targets in its form."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint
from locust.env import Environment
from locust.web import WebUI

from stampede.run.driver import Driver
from stampede.webui import charts, form, locust_page, reports, runs, tabs, workers
from stampede.webui.live import Live


def add(web_ui: WebUI, environment: Environment, driver: Driver, profiles_file: Path, results: Path) -> None:
    """Add all pages, below ``/stampede``, and the tabs and the form's profiles."""
    live = Live(environment, driver)
    pages = Blueprint(
        "stampede",
        __name__,
        url_prefix="/stampede",
        template_folder="pages",
        static_folder="static",
    )
    runs.add(pages, web_ui, driver, live, profiles_file)
    form.add(web_ui, driver, profiles_file)
    locust_page.add(web_ui)
    workers.add(web_ui, environment.runner)
    tabs.add(web_ui, driver, live)
    charts.add(pages, web_ui, driver, live)
    reports.add(pages, web_ui, results)
    web_ui.app.register_blueprint(pages)

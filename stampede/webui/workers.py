"""The names of workers in Locust's own tabs and downloads: their labels, as everywhere else in Stampede."""

from __future__ import annotations

from flask import Response, request
from locust.runners import MasterRunner
from locust.web import WebUI

from stampede.cluster.roster import with_labels

ENDPOINTS = {"locust.request_stats", "locust.logs", "locust.exceptions", "locust.exceptions_csv"}
"""The routes of Locust whose responses have ids of workers."""


def add(web_ui: WebUI, runner: MasterRunner) -> None:
    """Replace the ids of workers in Locust's responses by their labels."""

    @web_ui.app.after_request
    def label_workers(response: Response) -> Response:
        if request.endpoint in ENDPOINTS and response.status_code == 200:
            response.set_data(with_labels(runner, response.get_data(as_text=True)))
        return response

"""Our style and script for Locust's own page, whose content is a program that cannot be configured further.

Checked with Locust 2.47: static/locust.css and static/locust.js name what they change in it.
"""

from __future__ import annotations

from flask import Response, render_template, request
from locust.web import WebUI


def add(web_ui: WebUI) -> None:
    """Add the style and the script to the head of Locust's page."""

    @web_ui.app.after_request
    def add_to_head(response: Response) -> Response:
        is_page = response.status_code == 200 and response.mimetype == "text/html"
        if request.endpoint == "locust.index" and is_page:
            head = render_template("stampede/locust_head.html")
            response.set_data(response.get_data(as_text=True).replace("</head>", f"{head}</head>", 1))
        return response

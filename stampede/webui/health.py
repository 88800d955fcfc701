"""``GET /stampede/health``: 204, or 503 where the master reads no messages of workers any more.

It needs no login, as the health check of the container has none.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Response
from locust.web import WebUI


def add(web_ui: WebUI, is_listening: Callable[[], bool]) -> None:
    """Add the route."""

    @web_ui.app.get("/stampede/health", endpoint="stampede_health")
    def health() -> Response:
        return Response(status=204 if is_listening() else 503)

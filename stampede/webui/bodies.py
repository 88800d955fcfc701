"""Limits of what clients may send to the master's web server, with a session and without."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.json.provider import DefaultJSONProvider
from locust.web import WebUI

MAX_BYTES = 64 * 1024
"""The largest body of a request. The start form, with all its fields, has a few hundred bytes."""


def add(web_ui: WebUI) -> None:
    """Limit the bodies of the requests to all routes. One that is larger is answered with 413."""
    web_ui.app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
    web_ui.app.json = _Json(web_ui.app)
    web_ui.app.after_request(_drop_unread_body)


class _Json(DefaultJSONProvider):
    def loads(self, s: str | bytes, **options: Any) -> Any:
        """Parse JSON. Raises ValueError, also for JSON that is nested too deep."""
        try:
            return super().loads(s, **options)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deep") from error


def _drop_unread_body(response: Response) -> Response:
    """Close the connection after a response to a request whose body was not read to its end.

    gevent's server would read the rest, however long it is, to find the next request behind it.
    """
    body = request.environ["wsgi.input"]
    is_chunked = body.chunked_input and body.chunk_length != 0
    if is_chunked or body.position < (body.content_length or 0):
        body.chunked_input, body.content_length = False, body.position
        response.headers["Connection"] = "close"
    return response

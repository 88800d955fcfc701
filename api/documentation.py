"""The API's documentation: the OpenAPI document, and the pages that show it without the internet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from falcon import Request, Response

from api.messages import encode
from api.openapi import operation
from api.problems import Problem
from api.resource import Resource

FOLDER = Path(__file__).parent / "docs"
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    # The licences of the packages in a script, under the name that its first line refers to.
    "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
    "redoc.standalone.js.LICENSE.txt": "text/plain; charset=utf-8",
}
#: A Content-Security-Policy: the browser blocks every request of a page to another host.
OWN_ASSETS_ONLY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src 'self' blob:"
)


class OpenApi(Resource):
    """The resource at /openapi.json."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = encode(document)

    @operation(answer=dict[str, Any])
    def on_get(self, _request: Request, response: Response) -> None:
        """Return this document."""
        response.data = self._document


class Page(Resource):
    """The resource at /docs or /redoc; `name` is the file of the page."""

    def __init__(self, name: str) -> None:
        self._page = (FOLDER / name).read_bytes()

    @operation(media_type="text/html")
    def on_get(self, _request: Request, response: Response) -> None:
        """Return the interactive documentation."""
        response.content_type = "text/html; charset=utf-8"
        response.set_header("Content-Security-Policy", OWN_ASSETS_ONLY)
        response.data = self._page


class Asset(Resource):
    """The resource at /docs/{name}: files of the pages, and licences; the OpenAPI document omits it."""

    def on_get(self, request: Request, response: Response, name: str) -> None:
        """Return the file; raise Problem if it is not one of MEDIA_TYPES."""
        if name not in MEDIA_TYPES:
            raise Problem.of("path_not_found", about=request.path)
        response.content_type = MEDIA_TYPES[name]
        response.cache_control = ["public", "max-age=3600"]
        response.data = (FOLDER / name).read_bytes()

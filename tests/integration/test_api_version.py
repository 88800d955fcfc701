"""The version of the target is read from its OpenAPI document, and is unknown without one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from stampede.sampling import api_version
from tests.integration.speaking import speaking


@contextmanager
def serving(body: bytes, status: int = 200, location: str = "") -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v1/openapi.json" else 404)
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def document(version: object) -> bytes:
    return json.dumps({"openapi": "3.1.0", "info": {"title": "Shop", "version": version}}).encode()


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (document("2.3.1"), "2.3.1"),
        (document(" 2.3.1\n"), "2.3.1"),
        (document("v" * 999), "v" * api_version.LONGEST),
        (document(""), None),
        (document(2.3), None),
        (document(None), None),
        (b"{}", None),
        (b"[]", None),
        (b'{"info": 5}', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
        (document("1" + " " * api_version.MOST_BYTES), None),
    ],
)
def test_the_version_is_that_of_the_document(body: bytes, version: str | None) -> None:
    with serving(body) as host:
        assert api_version.read(host) == version
        assert api_version.read(f"{host}/") == version


def test_a_redirect_is_not_followed() -> None:
    """It may lead to a host that is not an allowed target."""
    with serving(document("2.3.1")) as other, serving(b"", 302, f"{other}/openapi.json") as host:
        assert api_version.read(host) is None


def test_an_error_has_no_version() -> None:
    with serving(document("2.3.1"), 500) as host:
        assert api_version.read(host) is None


def test_a_target_that_is_no_api_has_none() -> None:
    with speaking("SSH-2.0-OpenSSH_9.6") as host:
        assert api_version.read(host) is None
    for other in (None, "", "tcp://127.0.0.1:9", "http://127.0.0.1:9", "http://[", "https://127.0.0.1:9"):
        assert api_version.read(other) is None

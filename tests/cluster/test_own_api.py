"""Somebody else's API and somebody else's users, unchanged: docs/own-api.md, carried out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout

PAGE = Path("docs/own-api.md").read_text()
LOAD = ("LOCUSTFILE=users.py", "WORKERS=1", "USERS=20", "SPAWN_RATE=20", "RUN_TIME=8s")


class Shop(BaseHTTPRequestHandler):
    """Whatever it is asked, it has."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Of an API on all addresses of this machine: containers ask for it too."""
    with ThreadingHTTPServer(("0.0.0.0", 0), Shop) as server:  # noqa: S104
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("targets", "code", "runtime"),
    [
        pytest.param("p95 < 5s, errors < 1%", 0, "compose", marks=pytest.mark.long),
        pytest.param("p50 < 0.001ms", 10, "local", marks=pytest.mark.long),
        pytest.param("p95 < 5s, errors < 1%", 0, "local", marks=pytest.mark.long),
        pytest.param("p50 < 0.001ms", 10, "compose", marks=pytest.mark.long),
    ],
)
def test_the_pages_first_example(
    request: pytest.FixtureRequest, checkout: Checkout, port: int, runtime: str, targets: str, code: int
) -> None:
    """It ends with PASS or FAIL by the targets; whether the data is right nobody asked."""
    if runtime == "compose":
        request.getfixturevalue("engine")
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (checkout.folder / "users.py").write_text(example)
    settings = (*LOAD, f"RUNTIME={runtime}", f"HOST=http://localhost:{port}", f"TARGETS={targets}")
    done = checkout.trusted_run(*settings)
    assert done.returncode == code, done.stdout
    assert "CORRECT  NOT_ASKED" in done.stdout
    assert "VALID    PASS" in done.stdout
    assert checkout.latest_run()["requests"] > 20

"""An API and an audit of one's own: the example of docs/audit.md, against a box office that may be broken."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import pytest

from tests.checkout import Checkout


class BoxOffice(BaseHTTPRequestHandler):
    """Sells each ticket once; a broken one sells ticket 7 to everybody who comes after."""

    protocol_version = "HTTP/1.1"
    broken = False
    tickets = count(1)

    def do_HEAD(self) -> None:
        self._answer(200, b"")

    def do_POST(self) -> None:
        ticket = next(self.tickets)
        self._answer(201, json.dumps({"ticket": min(ticket, 7) if self.broken else ticket}).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def box_office(broken: bool) -> Iterator[str]:
    handler = type("Handler", (BoxOffice,), {"broken": broken, "tickets": count(1)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("broken", "exit_code", "verdict", "last_line"),
    [
        pytest.param(
            False,
            0,
            "PASS",
            "PASS: Correct and valid; no targets were set (exit code 0)",
            marks=pytest.mark.long,
        ),
        (True, 11, "FAIL", "FAIL: Wrong data: "),
    ],
)
@pytest.mark.long
def test_the_example_judges_an_api_of_ones_own(
    checkout: Checkout, broken: bool, exit_code: int, verdict: str, last_line: str
) -> None:
    """No database of ours, no contract of ours: its own users, its own ledger, its own check."""
    with box_office(broken) as host:
        done = checkout.trusted_run(
            *("RUNTIME=local", "LOCUSTFILE=docs/examples/tickets.py", f"HOST={host}"),
            *("USERS=5", "SPAWN_RATE=5", "RUN_TIME=5s", "WORKERS=2"),
        )
    assert done.returncode == exit_code, done.stdout
    assert done.stdout.splitlines()[-1].startswith(last_line)
    judged = json.loads((checkout.folder / "results" / "latest" / "verdict.json").read_text())
    (check,) = judged["correct"]["checks"]
    assert (check["name"], check["verdict"]) == ("no_ticket_sold_twice", verdict)
    assert checkout.latest_run()["host"] == host
    if broken:
        assert check["first"]["ticket"] == 7
        assert re.search(r"first: buyers \d+, ticket 7$", done.stdout, re.MULTILINE)

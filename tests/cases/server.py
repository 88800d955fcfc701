"""The API of the cases: it has whatever it is asked for, and counts what it has served."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, bytes, dict[str, str]]
"""Status, body and additional headers."""


@dataclass
class Api:
    """One API, and what it has served so far."""

    port: int
    is_secure: bool
    served: Counter[str] = field(default_factory=Counter)
    """By method and path, and in total under ``*``, without requests of the master: HEAD of the host before
    a run, ``/metrics`` during a run, and ``/openapi.json`` after a run."""
    first_at: float | None = None
    """When ``/shop`` was first asked for, by the monotonic clock."""
    last_at: float = 0.0
    """When the last request arrived, in seconds since the epoch."""

    @property
    def url(self) -> str:
        return f"http{'s' * self.is_secure}://127.0.0.1:{self.port}"


@contextmanager
def serving(
    *, certificate: Path | None = None, prefix: str = "", fail_first: float = 0.0, drops_head: bool = False
) -> Iterator[Api]:
    """Serve on a free port of this machine.

    With `fail_first`, ``/shop`` fails for so many seconds. With `drops_head`, a HEAD gets no answer.
    """
    handler = _handler(prefix, fail_first, drops_head)
    with _Server(("127.0.0.1", 0), handler) as server:
        api = handler.api = Api(server.server_address[1], certificate is not None)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield api
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are part of the cases."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: Api
    prefix: str
    fail_first: float
    drops_head: bool

    def log_message(self, *_: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # any method, PURGE as well as GET
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self._read_body()
        url = urlsplit(self.path)
        if url.path == "/drop" or (self.drops_head and self.command == "HEAD"):
            self._count(url.path)
            self.close_connection = True
            return
        status, content, headers = self._answer(url.path, parse_qs(url.query), body)
        self._count(url.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    def _count(self, path: str) -> None:
        is_probe = self.command == "HEAD" and path.rstrip("/") == self.prefix
        if is_probe or path.endswith(("/metrics", "/openapi.json")):
            return
        self.api.last_at = time.time()
        self.api.served.update((f"{self.command} {path}", "*"))

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if not path.startswith(self.prefix):
            return 404, b"{}", {}
        first, _, rest = path.removeprefix(self.prefix).strip("/").partition("/")
        match first:
            case "status":
                return int(rest), b"{}", {}
            case "slow":
                time.sleep(int(query["ms"][0]) / 1000)
            case "shop":
                return self._shop(), b"{}", {}
            case "redirect":
                return int(query.get("code", ["302"])[0]), b"", {"Location": query["to"][0]}
            case "loop":
                return 302, b"", {"Location": "/loop"}
            case "gzip":
                return 200, gzip.compress(b'{"z": "' + b"a" * 5000 + b'"}'), {"Content-Encoding": "gzip"}
            case "badgzip":
                return 200, b"this is not gzip", {"Content-Encoding": "gzip"}
            case "big":
                return 200, b"x" * int(query["n"][0]), {}
            case "upload":
                return 201, json.dumps({"got": len(body)}).encode(), {}
            case "set":
                return 200, b"{}", {"Set-Cookie": "sid=abc; Path=/; HttpOnly"}
            case "cookie":
                return (200 if "sid=abc" in (self.headers.get("Cookie") or "") else 401), b"{}", {}
        return 200, json.dumps({"path": path, "m": self.command}).encode(), {}

    def _shop(self) -> int:
        now = time.monotonic()
        if self.api.first_at is None:
            self.api.first_at = now
        return 500 if now - self.api.first_at < self.fail_first else 200


def _handler(prefix: str, fail_first: float, drops_head: bool) -> type[_Handler]:
    """A class of its own for each server: several run at once."""
    options = {"prefix": prefix, "fail_first": fail_first, "drops_head": drops_head}
    return type("Handler", (_Handler,), options)

"""An API that keeps what it is asked, in a thread. The path says how it answers."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Api(ThreadingHTTPServer):
    """Keeps what it is asked; closes a connection after the answer to a path with "close" in it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.connections = 0
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients go away."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Api

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        if "silent" in self.path:
            threading.Event().wait(5)
        if "gone" in self.path:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(302 if "moved" in self.path else 500 if "wrong" in self.path else 200)
        if "moved" in self.path:
            self.send_header("Location", self.path.partition("?to=")[2] or "/")
        if "cookie" in self.path:
            self.send_header("Set-Cookie", "a=b")
        content = self.path.encode() if self.command != "HEAD" else b""
        content *= 10_000 if "much" in self.path else 1
        if "packed" in self.path:
            content = gzip.compress(content)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if "garbage" in self.path:
            content += b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        if "slow" in self.path:
            for place in range(len(content) - 1):
                self.wfile.write(content[place : place + 1])
                threading.Event().wait(0.2)
            content = content[-1:]
        self.wfile.write(content)
        self.close_connection = "close" in self.path

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(change: Callable[[Api], None] = lambda _: None) -> Iterator[Api]:
    api = Api()
    change(api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()

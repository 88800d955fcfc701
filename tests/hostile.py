"""An API that answers what no API should: endless bodies, broken heads, text that looks like commands.

    .venv/bin/python -m tests.hostile 8400     # serves on 127.0.0.1 until Ctrl-C

The first part of the path chooses the answer: see ANSWERS. Each answer has a bound in bytes, so that a client
without limits fails its test and not the machine.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import sys
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import brotli

MEGABYTE = 1024 * 1024

MOST = 300 * MEGABYTE
"""Bytes that an endless answer sends at most."""

DECODED = 100 * MEGABYTE
"""Bytes of a bomb when it is decoded."""

WILD = (
    "=cmd|'/c calc'!A1 [click](javascript:alert(1)) https://evil.example/x www.evil.example @somebody #1"
    " fixes #2 <img src=https://evil.example/b.png> `x` |a|b| \x1b[31mRED\x1b]0;title\x07 \u202eevil"
    " ##[add-mask]x ##vso[task.complete]\n::error::y\n::add-mask::z"
)
"""Text with a meaning for spreadsheets, GitHub, terminals and CI."""

Send = Callable[[bytes], None]
Answer = Callable[[Send, "Query"], None]
"""Sends an answer. The connection stays open only after a head with a Content-Length."""
Query = dict[str, list[str]]


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK", length: bool = True) -> Answer:
    """Return an answer with this status line, these lines of a head, and this body."""
    sent = [b"HTTP/1.1 " + status, *headers, *([b"Content-Length: %d" % len(body)] * length)]
    head = b"\r\n".join(sent) + b"\r\n\r\n"
    return lambda send, _query: send(head + body)


def metrics(text: str) -> Answer:
    """Return an answer with these lines of metrics."""
    return answer(text.encode("utf-8", "surrogateescape"), b"Content-Type: text/plain; version=0.0.4")


def endless(start: bytes, part: bytes) -> Answer:
    """Return an answer that begins with `start`, and goes on with `part` until MOST bytes are sent."""
    block = part * max(1, 65536 // len(part))

    def send_all(send: Send, _query: Query) -> None:
        send(start)
        for _ in range(MOST // len(block)):
            send(block)

    return send_all


def bomb(compress: Callable[[bytes], bytes], encoding: bytes, status: bytes = b"200 OK") -> Answer:
    """Return an answer whose body is small, and has DECODED bytes when it is decoded."""
    made: list[bytes] = []

    def send_bomb(send: Send, query: Query) -> None:
        if not made:
            made.append(compress(bytes(DECODED)))
        answer(made[0], b"Content-Encoding: " + encoding, status=status)(send, query)

    return send_bomb


def redirect(send: Send, query: Query) -> None:
    """Redirect to `?to=`, with `?status=`."""
    location = query.get("to", [""])[0].encode("latin-1", "replace")
    status = query.get("status", ["302"])[0].encode()
    answer(b"", b"Location: " + location, status=status + b" Found")(send, query)


class Numbered:
    """An answer that differs each time: `%d` in the head becomes a number."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._number = 0

    def __call__(self, send: Send, _query: Query) -> None:
        self._number += 1
        send(self._head % self._number)


JSON = b"Content-Type: application/json"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

ANSWERS: dict[str, Answer] = {
    "ok": answer(b"{}", JSON),
    # Too much.
    "endless": endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x" * 65536),
    "endless-500": endless(b"HTTP/1.1 500 Error\r\nConnection: close\r\n\r\n", b"x" * 65536),
    "endless-chunks": endless(CHUNKED, b"1\r\nx\r\n"),
    "endless-extension": endless(CHUNKED + b"1;", b"a" * 65536),
    "endless-trailers": endless(CHUNKED + b"1\r\nx\r\n0\r\n", b"X-Trailer: y\r\n"),
    "endless-head": endless(b"HTTP/1.1 200 OK\r\n", b"X-Header: y\r\n"),
    "endless-line": endless(b"HTTP/1.1 200 OK\r\nX-Header: ", b"y" * 65536),
    "endless-reason": endless(b"HTTP/1.1 200 ", b"O" * 65536),
    "endless-interim": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "large-head": answer(b"x", *(b"X-%d: " % number + b"y" * 8000 for number in range(8))),
    "gzip": bomb(gzip.compress, b"gzip"),
    "gzip-500": bomb(gzip.compress, b"gzip", b"500 Error"),
    "deflate": bomb(zlib.compress, b"deflate"),
    "br": bomb(lambda body: brotli.compress(body, quality=1), b"br"),
    "gzip-members": bomb(lambda _: gzip.compress(bytes(MEGABYTE)) * (DECODED // MEGABYTE), b"gzip"),
    # Broken encodings.
    "bad-gzip": answer(b"this is not gzip", b"Content-Encoding: gzip"),
    "cut-gzip": answer(gzip.compress(b"x" * 999)[:20], b"Content-Encoding: gzip"),
    "bad-br": answer(b"\xff" * 20, b"Content-Encoding: br"),
    "bad-deflate": answer(b"\xff" * 20, b"Content-Encoding: deflate"),
    "unknown-encoding": answer(b"x", b"Content-Encoding: rot13"),
    "two-encodings": answer(b"x", b"Content-Encoding: gzip, gzip"),
    "bad-gzip-500": answer(b"this is not gzip", b"Content-Encoding: gzip", status=b"500 Error"),
    "unknown-encoding-500": answer(b"x", b"Content-Encoding: rot13", status=b"500 Error"),
    # Broken text.
    "not-utf8": answer(b"\xff\xfe\xed\xa0\x80", b"Content-Type: text/plain", status=b"500 Error"),
    "not-utf8-200": answer(b"\xff\xfe\xed\xa0\x80", JSON),
    "latin": answer(b"\xed\xa0\x80", b"X-Request-ID: \xff\xfe\xed\xa0\x80", status=b"500 E\xff\xfe"),
    "unknown-charset": answer(b"x", b"Content-Type: text/html; charset=rot13", status=b"500 Error"),
    "wild": answer(WILD.encode(), b"X-Request-ID: =cmd|@somebody", status=b"500 fixes #2 ::error::z"),
    # Broken heads.
    "status-0": answer(b"x", status=b"000 Zero"),
    "status-99": answer(b"x", status=b"99 Low"),
    "status-999": answer(b"x", status=b"999 High"),
    "status-99999": answer(b"x", status=b"99999 Nine"),
    "not-http": answer(b"", status=b"x\r\nSSH-2.0-OpenSSH_9.6"),
    "two-lengths": answer(b"x", b"Content-Length: 5"),
    "bad-length": answer(b"x", b"Content-Length: many", length=False),
    "negative-length": answer(b"x", b"Content-Length: -5", length=False),
    "huge-length": answer(b"x", b"Content-Length: 99999999999999999999999", length=False),
    "bad-chunk": lambda send, _query: send(CHUNKED + b"zz\r\nx\r\n"),
    "cut-chunk": lambda send, _query: send(CHUNKED + b"5\r\nx"),
    "nul-header": answer(b"x", b"X-Header: a\x00b"),
    "two-ids": answer(b"x", b"X-Request-ID: a", b"X-Request-ID: " + b"b" * 6000, status=b"500 Error"),
    "long-id": answer(b"x", b"X-Request-ID: " + b"b" * 6000, status=b"500 Error"),
    "two-types": answer(b"{}", JSON, b"Content-Type: text/html"),
    "hang-up": lambda _send, _query: None,
    "bad-cookie": answer(b"{}", b"Set-Cookie: \xff=\xfe; expires=never; domain=..; path=\x01"),
    # Another one each time.
    "reasons": Numbered(b"HTTP/1.1 500 Reason %d\r\nContent-Length: 1\r\n\r\nx"),
    "hosts": Numbered(b"HTTP/1.1 302 Found\r\nLocation: http://h%d.example/\r\nContent-Length: 0\r\n\r\n"),
    "cookies": Numbered(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: c%d=" + b"x" * 4000 + b"\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "loop": Numbered(b"HTTP/1.1 302 Found\r\nLocation: /loop?%d\r\nContent-Length: 0\r\n\r\n"),
    "to": redirect,
    # Broken JSON.
    "nan": answer(b'{"id": NaN, "total_pages": NaN, "products": [{"id": NaN}]}', JSON, status=b"201 Created"),
    "huge-number": answer(b'{"id": 100000000000000000000000}', JSON, status=b"201 Created"),
    "many-digits": answer(b'{"id": ' + b"9" * 5000 + b"}", JSON, status=b"201 Created"),
    "deep": answer(b"[" * 100_000, JSON, status=b"201 Created"),
    "list": answer(b"[]", JSON, status=b"201 Created"),
    "number": answer(b"5", JSON, status=b"201 Created"),
    "metrics": answer(b"no metrics", status=b"404 Not Found"),
}
"""The answers by the first part of the path."""


class HostileApi:
    """One API that is serving."""

    def __init__(self, port: int = 0, address: str = "127.0.0.1") -> None:
        self.answers = dict(ANSWERS)
        """The answers by the first part of the path. They may be changed at any time."""
        self.heads: Answer = answer(b"")
        """The answer to each HEAD."""
        self.served: Counter[str] = Counter()
        """Requests by method and path."""
        self._listener = socket.create_server((address, port), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as received:
            connection.settimeout(60)
            while line := received.readline():
                method, target, *_ = (*line.decode("latin-1").split(" ", 2), "", "")
                length = 0
                while header := received.readline().strip():
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                received.read(length)
                if not self._answer(connection.sendall, method, target):
                    return

    def _answer(self, send: Send, method: str, target: str) -> bool:
        """Answer one request. Return whether the connection stays open."""
        url = urlsplit(target)
        self.served[f"{method} {url.path}"] += 1
        name = url.path.strip("/").partition("/")[0]
        heads: list[bytes] = []

        def send_and_note(content: bytes) -> None:
            heads.append(content[:65536])
            send(content)

        chosen = self.heads if method == "HEAD" else self.answers.get(name) or self.answers["ok"]
        chosen(send_and_note, parse_qs(url.query, encoding="latin-1"))
        return len(heads) == 1 and b"Content-Length" in heads[0]

    def close(self) -> None:
        """Accept no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def serving(port: int = 0, address: str = "127.0.0.1") -> Iterator[HostileApi]:
    """Serve on a port of this machine; by default on a free one."""
    api = HostileApi(port, address)
    try:
        yield api
    finally:
        api.close()


if __name__ == "__main__":
    with serving(int(sys.argv[1])) as running, contextlib.suppress(KeyboardInterrupt):
        print(f"{running.url}/: {' '.join(running.answers)}", flush=True)
        threading.Event().wait()

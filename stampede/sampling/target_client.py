"""A client of the target for requests that are not the users'. It is no stricter than users are.

The target may answer with anything. A request ends within its time and after its number of bytes, and other
greenlets run while the answer is received. Redirects are not followed, as they may lead to a host that is not
allowed. No proxy is used, as users use none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, InvalidURL
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

import gevent
from gevent import Timeout, socket, ssl
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPResponse

BLOCK = 8192
"""Bytes that are received at once. A parser needs up to 2 ms for so many, if they are all short headers."""

MOST_OF_HEAD = 65_536
"""Bytes of the longest head."""

INTERIM = range(100, 200)
"""Statuses after which another answer follows."""

PLAIN = "/?%:@!$&'()*+,;=~"
"""Characters of a path and a query that are sent as they are."""

Address = tuple[int, tuple[Any, ...]]
"""The family of a socket, and the address that it connects to."""


class TooLongError(HTTPException):
    """An answer has more bytes than are read. The message says how many that are."""


class Answer(NamedTuple):
    """An answer of the target. The body is as it was sent: it may be compressed."""

    status: int
    headers: Headers
    body: bytearray


def fetch(
    url: str, method: str = "GET", *, seconds: float, most_bytes: int, address: Address | None = None
) -> Answer:
    """Send a request to a URL and return the answer; to `address`, if it is given, instead of the URL's host.

    Raises OSError without a connection, and where the answer takes longer than `seconds`; TooLongError for an
    answer whose body has more than `most_bytes`; another HTTPException for an answer that is not HTTP;
    InvalidURL.
    """
    parts = _split(url)
    with (
        Timeout(seconds, TimeoutError("timed out")),
        _connected(parts, address) as connection,
    ):
        connection.sendall(_request(method, parts))
        return _receive(connection, method, most_bytes)


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, its host in ASCII. Raises InvalidURL."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.encode("ascii" if parts.netloc.isascii() else "idna").decode()
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise InvalidURL(str(error)) from error
    if not is_valid or not host.isprintable() or " " in host:
        raise InvalidURL(f"'{url}' is not an HTTP URL")
    return parts._replace(netloc=host)


@contextmanager
def _connected(url: SplitResult, address: Address | None) -> Iterator[socket.socket]:
    host = str(url.hostname)
    with _connect((host, url.port or (443 if url.scheme == "https" else 80)), address) as connection:
        if url.scheme == "http":
            yield connection
            return
        # It takes the connection over, so that it has to be closed if its handshake fails, too.
        with _ssl_context.wrap_socket(
            connection, server_hostname=host, do_handshake_on_connect=False
        ) as encrypted:
            encrypted.do_handshake()
            yield encrypted


def _connect(host_and_port: tuple[str, int], address: Address | None) -> socket.socket:
    if address is None:
        try:
            return socket.create_connection(host_and_port)
        except UnicodeError as error:  # a part of the name is empty or too long
            raise InvalidURL(f"'{host_and_port[0]}' is not a name of a host") from error
    family, destination = address
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.connect(destination)
    except BaseException:
        connection.close()
        raise
    return connection


def _request(method: str, url: SplitResult) -> bytes:
    target = quote(f"{url.path or '/'}{f'?{url.query}' if url.query else ''}", safe=PLAIN)
    lines = (
        f"{method} {target} HTTP/1.1",
        f"Host: {url.netloc.rpartition('@')[2]}",
        "Accept-Encoding: identity",
        "User-Agent: stampede",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()


def _receive(connection: socket.socket, method: str, most_bytes: int) -> Answer:
    answer, received = HTTPResponse(method), 0
    while not _is_complete(answer):
        block = connection.recv(BLOCK)
        received += len(block)
        answer.feed(block)  # nothing is the end of the connection, which ends some bodies
        if not block and not _is_complete(answer):
            raise ConnectionResetError("the connection was closed without an answer")
        if received > most_bytes + MOST_OF_HEAD or len(answer._body_buffer) > most_bytes:
            raise TooLongError(f"the answer is longer than {most_bytes:,} bytes")
        if not answer.headers_complete and received > MOST_OF_HEAD:
            raise TooLongError(f"the head of the answer is longer than {MOST_OF_HEAD:,} bytes")
        gevent.sleep(0)  # a server that sends without a pause would keep all other greenlets waiting
    return Answer(answer.get_code(), answer.info(), answer._body_buffer)


def _is_complete(answer: HTTPResponse) -> bool:
    return answer.message_complete and answer.get_code() not in INTERIM


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # users may trust it, or verify none
    return context


_ssl_context = _any_certificate()

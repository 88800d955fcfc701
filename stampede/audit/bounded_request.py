"""A GET request that ends, whatever the API answers: for the audit, a process without gevent."""

from __future__ import annotations

import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from queue import Empty, SimpleQueue
from socket import SHUT_RDWR
from threading import Thread
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit


class Answer(NamedTuple):
    """An answer of the API."""

    status: int
    headers: HTTPMessage
    body: bytes


def get(url: str, *, seconds: float, most_bytes: int) -> Answer:
    """Return the answer to a GET request. Redirects are not followed, and no proxy is used, as by users.

    Raises OSError without a connection, and where the whole answer takes longer than `seconds`; HTTPException
    for an answer whose body has more than `most_bytes`, or that is not HTTP; ValueError for a wrong URL.
    """
    parts = urlsplit(url)
    connection = _connection(parts, seconds)
    results: SimpleQueue[Answer | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            results.put(_ask(connection, parts, most_bytes))
        except Exception as error:
            results.put(error)

    # In a thread, as a time-out of a socket is for one piece of the answer only.
    Thread(target=ask, daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except Empty:
        if connection.sock:
            with suppress(OSError):  # it may have ended in this moment
                connection.sock.shutdown(SHUT_RDWR)  # ends the thread
        raise TimeoutError("timed out") from None
    if isinstance(result, Exception):
        raise result
    return result


def _ask(connection: HTTPConnection, parts: SplitResult, most_bytes: int) -> Answer:
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path)
        with connection.getresponse() as response:
            body = response.read(most_bytes + 1)
        if len(body) > most_bytes:
            raise HTTPException(f"the answer has more than {most_bytes:,} bytes")
        return Answer(response.status, response.headers, body)
    finally:
        connection.close()


def _connection(parts: SplitResult, seconds: float) -> HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme != "https":
        return HTTPConnection(host, parts.port, timeout=seconds)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # users do not check it either
    return HTTPSConnection(host, parts.port, timeout=seconds, context=context)

"""Reads the bodies of requests, before a request takes a place: a client that sends slowly must not take one.

Granian has no time-out for a body, and a thread that reads one cannot be interrupted. So the process has some
more threads for bodies, and a request whose body does not come in time is answered by another thread, with
408. Granian closes the connection of an answer that is shorter than its Content-Length; then the read ends.

A body that ends early is refused: Granian passes it on like a whole one, and its beginning may be valid JSON.
"""

from __future__ import annotations

import threading
from io import BytesIO
from time import perf_counter, sleep
from typing import Any

from api.problems import Problem
from api.reading import LARGEST_BODY

#: From the beginning of a request until all of its body must be there.
BODY_SECONDS = 10.0
#: The pause between two checks for bodies that are late.
CHECK_SECONDS = 0.5
#: Bodies that one process reads at a time; each takes a thread. Most bodies are there when they are read.
MOST_BODIES = 64
#: With MOST_BODIES, the body that is read longest is late after this time, so that another one can be read.
CROWDED_SECONDS = 1.0
#: Bytes of a body that is too large, which are read and dropped. So a client that sends all of its body
#: before it reads the answer gets the answer, and can go on with its connection.
LARGEST_DROPPED = 16 * 1024 * 1024
#: Bytes that are dropped at a time.
PIECE = 64 * 1024
#: Methods whose body is read.
METHODS = {"POST", "PUT"}
#: For the answer to leave before the connection is closed.
FLUSH_SECONDS = 0.02

#: The key in the WSGI environment for the size of the body in bytes.
BODY_SIZE = "api.body_size"


class TooManyBodiesError(Exception):
    """MOST_BODIES requests have just begun to send their bodies: this one cannot be read now."""


class Bodies:
    """The bodies that are being read in one process."""

    def __init__(self) -> None:
        self._reading: dict[int, tuple[float, Any]] = {}
        """When each request began to send its body, and the object that takes its answer."""
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the thread that answers the requests whose bodies are late."""
        threading.Thread(target=self._keep_checking, name="bodies", daemon=True).start()

    def read(self, protocol: Any, scope: dict[str, Any]) -> None:
        """Read the body into memory, for `wsgi.input`.

        Raises TooManyBodiesError, and Problem for a body that is late, that ends early, or that declares more
        than LARGEST_DROPPED. Other bodies that are larger than LARGEST_BODY are left to the handler.
        """
        if scope["REQUEST_METHOD"] not in METHODS:
            return
        declared = declared_length(scope)
        if declared == 0:
            return
        if declared and declared > LARGEST_DROPPED:
            raise Problem.of("body_too_large")
        self._begin(protocol)
        body = read_up_to_limit(scope["wsgi.input"])
        with self._lock:
            is_late = self._reading.pop(id(protocol), None) is None
        if is_late:
            raise body_late()
        if declared and len(body) < min(declared, LARGEST_BODY):
            raise Problem.of("bad_request", about=f"The body ended after {len(body)} of {declared} bytes")
        scope["wsgi.input"], scope[BODY_SIZE] = BytesIO(body), len(body)

    def _begin(self, protocol: Any) -> None:
        with self._lock:
            late = self._take_late(CROWDED_SECONDS, 1) if len(self._reading) >= MOST_BODIES else []
            if len(self._reading) >= MOST_BODIES:
                raise TooManyBodiesError
            self._reading[id(protocol)] = perf_counter(), protocol
        for slow in late:
            answer_late(slow)

    def _keep_checking(self) -> None:
        while True:
            sleep(CHECK_SECONDS)
            with self._lock:
                late = self._take_late(BODY_SECONDS, MOST_BODIES)
            for protocol in late:
                answer_late(protocol)

    def _take_late(self, seconds: float, most: int) -> list[Any]:
        """Remove and return the requests that send for longer than this (s); the caller holds the lock.

        What is still read of them does not count. Of more than `most`, return the oldest.
        """
        now = perf_counter()
        late = [key for key, (began, _) in self._reading.items() if now - began > seconds]
        return [self._reading.pop(key)[1] for key in late[:most]]


def declared_length(scope: dict[str, Any]) -> int | None:
    """Return the length in bytes that the request declares for its body; None where it declares none.

    A body in chunks declares none: only the end of the read shows its length.
    """
    length = scope.get("CONTENT_LENGTH", "")
    return int(length) if length.isdigit() and "HTTP_TRANSFER_ENCODING" not in scope else None


def read_up_to_limit(stream: Any) -> bytes:
    """Return the body, or its beginning, one byte longer than LARGEST_BODY; drop the rest of it."""
    body: bytes = stream.read(LARGEST_BODY + 1)
    dropped = len(body)
    while LARGEST_BODY < dropped < LARGEST_DROPPED and (piece := stream.read(PIECE)):
        dropped += len(piece)
    return body


def body_late() -> Problem:
    """Return the 408 of a body that did not come in time."""
    return Problem.of("body_late", seconds=f"{BODY_SECONDS:g}")


def answer_late(protocol: Any) -> None:
    """Answer a request with 408, and close its connection."""
    body = body_late().body()
    headers = [
        ("content-type", "application/problem+json"),
        ("connection", "close"),
        ("content-length", str(len(body) + 1)),
    ]
    protocol.response_iter(408, headers, _CutAnswer(body))


class _CutAnswer:
    """An answer that ends before its Content-Length: an iterator, with `close` as Granian needs it."""

    def __init__(self, body: bytes) -> None:
        self._parts = iter([body])

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except StopIteration:
            sleep(FLUSH_SECONDS)
            raise

    def close(self) -> None:
        """Do nothing: Granian calls this at the end."""

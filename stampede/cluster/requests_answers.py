"""Limits of the answers that HttpUser receives, by the library requests.

Stock users read a line or a body whatever its length is, and any number of answers before the final one. Some
answers raise an exception in the locustfile's task.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import chain, islice
from typing import Any

import gevent
import requests
import urllib3.connection
from locust.clients import HttpSession, LocustHttpAdapter, ResponseContextManager
from requests.models import CONTENT_CHUNK_SIZE
from urllib3.exceptions import HTTPError

from stampede.http.errors import AnswerError
from stampede.http.limits import (
    MOST_OF_BODY,
    MOST_OF_HEAD,
    TOO_LONG_HEAD,
    Held,
    holding,
    most_of_body,
    too_long,
)

LONGEST_LINE = 16_384
"""Bytes of the longest status line, line of trailers, or line before a chunk."""

MOST_LINES = 100
"""Lines of the longest head, as stock users have it."""

MOST_INTERIM = 10
"""Answers before the final one."""

FIRST_PARTS = 32
"""Parts of a body that are received without a check. Each has up to 10 KB."""

MOST_PARTS = 16
"""Later parts after which limits are checked and other greenlets run."""


def limit_answers() -> None:
    """Let a request fail whose answer is beyond a limit."""
    http.client._MAXLINE = LONGEST_LINE  # type: ignore[attr-defined]
    http.client._read_headers = _lines_of_head  # type: ignore[attr-defined]
    urllib3.connection.HTTPConnection.response_class = LimitedResponse
    requests.Response.content = property(_content)  # type: ignore[assignment,method-assign]
    _limit_bodies()
    _fail_for_any_answer()


def _lines_of_head(file: Any, *_: Any) -> list[bytes]:
    """Return the lines of a head, with the empty one at its end. Raises OSError and HTTPException."""
    lines: list[bytes] = []
    left = MOST_OF_HEAD
    while not lines or lines[-1] not in (b"\r\n", b"\n", b""):
        line = file.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise AnswerError(TOO_LONG_HEAD)
        if len(lines) == MOST_LINES:
            raise http.client.HTTPException(f"got more than {MOST_LINES} headers")
        lines.append(line)
    return lines


class LimitedResponse(http.client.HTTPResponse):
    """An answer after few interim ones."""

    _interim = 0

    def _read_status(self) -> tuple[str, int, str]:
        self._interim += 1
        if self._interim > MOST_INTERIM:
            raise AnswerError(f"there are more than {MOST_INTERIM} answers before the final one")
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status


class CountedFile:
    """The rest of an answer that is chunked or encoded.

    It may go on without an end and without a body: by extensions of chunks, by trailers, or by parts that are
    empty when they are decoded. So all of it counts.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._bytes = self._reads = 0
        self.most: int | None = None
        """Bytes that may be received; None for a stream, which has no limit."""

    def read(self, *arguments: Any) -> bytes:
        """Return the next bytes. Raises OSError and AnswerError."""
        return self._counted(self._file.read(*arguments))

    def readline(self, *_: Any) -> bytes:
        """Return the next line. Raises OSError and AnswerError."""
        line = self._counted(self._file.readline(LONGEST_LINE + 1))
        if len(line) > LONGEST_LINE:
            raise AnswerError(f"a line of the answer is longer than {LONGEST_LINE // 1024} KiB")
        return line

    def _counted(self, content: bytes) -> bytes:
        self._bytes += len(content)
        self._reads += 1
        if self.most is not None and self._bytes > self.most + MOST_OF_HEAD:
            raise AnswerError(too_long(self.most))
        if self._reads % MOST_PARTS == 0:
            gevent.sleep(0)
        return content

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _content(response: requests.Response) -> bytes | None:
    """Return the decoded body, as requests does. Raises RequestException."""
    if response._content is False:
        if response._content_consumed:
            raise RuntimeError("The content for this response was already consumed")
        is_received = response.status_code != 0 and response.raw is not None
        response._content = _received(response) if is_received else None
    response._content_consumed = True
    return response._content


def _received(response: requests.Response) -> bytes:
    """Receive the body. Raises RequestException."""
    most = getattr(response, "_most_of_body", MOST_OF_BODY)
    file = getattr(getattr(response.raw, "_fp", None), "fp", None)
    if isinstance(file, CountedFile):
        file.most = most
    parts = response.iter_content(CONTENT_CHUNK_SIZE)
    first = list(islice(parts, FIRST_PARTS))
    try:
        if len(first) < FIRST_PARTS:
            return _short(first, most)
        with holding(most) as held:
            return _joined(chain(first, parts), held)
    except AnswerError as error:
        failed = requests.RequestException(str(error))
    # The error may be kept for a while, and all that this function knows with it.
    response.close()
    response.raw._decoder = None
    first.clear()
    raise failed


def _short(parts: Sequence[bytes], most: int) -> bytes:
    """Return all parts of a short body together. Raises AnswerError."""
    body = b"".join(parts)
    if len(body) > most:
        raise AnswerError(too_long(most))
    return body


def _joined(parts: Iterable[bytes], held: Held) -> bytes:
    """Return all parts of a body together; let other greenlets run in between."""
    body = BytesIO()
    try:
        for number, part in enumerate(parts, 1):
            body.write(part)
            if number % MOST_PARTS == 0:
                held.resize(body.tell())
                gevent.sleep(0)
        return body.getvalue()
    finally:
        body.close()  # an error may be kept for a while, and this function's variables with it


def _limit_bodies() -> None:
    """Count the bytes of bodies, and use the limit that a user class has set for them."""
    init, build = HttpSession.__init__, LocustHttpAdapter.build_response

    def init_with_limit(
        session: HttpSession, base_url: Any, request_event: Any, user: Any, *arguments: Any, **options: Any
    ) -> None:
        init(session, base_url, request_event, user, *arguments, **options)
        for adapter in session.adapters.values():
            adapter.most_of_body = most_of_body(user)

    def build_limited(adapter: LocustHttpAdapter, request: Any, raw: Any) -> requests.Response:
        response: requests.Response = build(adapter, request, raw)
        response._most_of_body = getattr(adapter, "most_of_body", MOST_OF_BODY)  # type: ignore[attr-defined]
        headers, answer = response.headers, getattr(raw, "_fp", None)
        if (
            isinstance(answer, LimitedResponse)
            and answer.fp
            and (raw.chunked or "content-encoding" in headers)
        ):
            answer.fp = CountedFile(answer.fp)  # type: ignore[assignment]
        if not headers.get("content-length", "0").isdigit():
            del headers["content-length"]  # Locust makes a number of it, for a stream
        return response

    HttpSession.__init__, LocustHttpAdapter.build_response = init_with_limit, build_limited


def _fail_for_any_answer() -> None:
    """Let a request fail whose answer makes urllib3 raise an exception that requests does not expect."""
    send = HttpSession._send_request_safe_mode

    def send_and_fail(session: HttpSession, method: Any, url: Any, **options: Any) -> requests.Response:
        try:
            response: requests.Response = send(session, method, url, **options)
        except (HTTPError, http.client.HTTPException) as error:
            response = ResponseContextManager(requests.ConnectionError(str(error)))
        return response

    HttpSession._send_request_safe_mode = send_and_fail

"""Limits of the answers that FastHttpUser receives.

Stock users read a body of any length, and decode it at once: 1 MB of gzip can become 1 GB. An unknown
encoding, or an error whose body is not UTF-8, raises an exception in the locustfile's task.
"""

from __future__ import annotations

import zlib
from typing import Any

import geventhttpclient.client
from geventhttpclient.response import HEADER_STATE_DONE, HTTPParseError, HTTPSocketPoolResponse
from geventhttpclient.useragent import CompatResponse, UserAgent
from locust.contrib.fasthttp import FastHttpSession, LocustUserAgent

from stampede.http.decoding import decoded_by
from stampede.http.errors import AnswerError
from stampede.http.limits import (
    FREE,
    MOST_OF_BODY,
    MOST_OF_HEAD,
    TOO_LONG_HEAD,
    Held,
    Work,
    most_of_body,
)

FIRST_CHECK = 4_095
"""Bytes of an answer that are received without a check: fewer than a block."""

STEP = 65_536
"""Bytes of a plain body that are received without a check, in SECONDS_OF_STEP."""

SECONDS_OF_STEP = 0.0002

SECONDS_OF_BLOCK = 0.001
"""Seconds to receive a block of 4 KB with the shortest chunks or headers."""

INTERIM = range(100, 200)
"""Statuses after which another answer follows."""

MOST_SHOWN = 65_536
"""Bytes of a body that are shown with an error, and in a `debug_stream`."""


def limit_answers() -> None:
    """Let a request fail whose answer is beyond a limit or cannot be decoded."""
    geventhttpclient.client.HTTPSocketPoolResponse = LimitedResponse  # type: ignore[attr-defined]
    CompatResponse._content = _content  # type: ignore[assignment,method-assign]
    _use_limits_of_users()
    _show_any_conversation()


class LimitedResponse(HTTPSocketPoolResponse):
    """An answer that is received in pieces, and only up to its limits."""

    most_of_body = MOST_OF_BODY
    _received = 0
    _next_check = FIRST_CHECK
    """Bytes of the answer after which its limits are checked: each check takes as long as to receive 1 KB."""
    _checked = _of_body = _of_trailers = 0
    """Bytes of the answer, of its body and of its trailers at the last check."""
    _held: Held | None = None
    _work: Work | None = None
    _is_whole = False
    """Whether the whole body is read, and not a stream of unknown length."""

    def feed(self, data: str | bytes) -> None:
        """Parse the next bytes. Raises HTTPParseError and AnswerError."""
        super().feed(data)
        self._received += len(data)
        if self._received > self._next_check:
            self._check(len(data))

    def _on_headers_complete(self) -> int | bool | None:
        """Note the end of a head. Raises HTTPParseError."""
        if self.get_code() < INTERIM.start:  # else it would count as an answer before the final one
            raise HTTPParseError(f"Invalid status code {self.get_code()}")
        return super()._on_headers_complete()

    def _check(self, received: int) -> None:
        """Check the limits after the last bytes that were `received`, and pause if it is time."""
        if not self.headers_complete or self.get_code() in INTERIM:
            if self._received > MOST_OF_HEAD:
                raise AnswerError(TOO_LONG_HEAD)
        elif self._header_state != HEADER_STATE_DONE:
            self._of_trailers += received
            if self._of_trailers > MOST_OF_HEAD:
                raise AnswerError(f"the trailers of the answer are longer than {MOST_OF_HEAD // 1024} KiB")
        of_body = len(self._body_buffer)
        # What is around a body counts, too: each of its bytes may come in a chunk with a long extension.
        size = max(of_body, self._received - MOST_OF_HEAD if self._is_whole else 0)
        if size > FREE:
            self._held = self._held or Held(self.most_of_body)
            self._held.resize(size)
        is_plain = 2 * (of_body - self._of_body) > self._received - self._checked
        self._of_body, self._checked = of_body, self._received
        self._next_check = self._received + (STEP if is_plain else 0)
        self._work = self._work or Work()
        self._work.add(SECONDS_OF_STEP if is_plain else SECONDS_OF_BLOCK)

    def read(self, length: int | None = None) -> bytes:
        """Return the body, or its next bytes. Raises HTTPParseError, OSError and AnswerError."""
        self._is_whole = length is None
        try:
            return super().read(length)
        except BaseException:
            self._body_buffer.clear()  # the error may be kept for a while, and this answer with it
            raise
        finally:
            if self._held:
                self._held.free()


def _content(response: CompatResponse) -> bytes:
    """Return the decoded body. Raises AnswerError, zlib.error and what reading it raises."""
    encodings = response.headers.getlist("content-encoding")
    encoding = encodings[0] if encodings else "identity"
    body, failed = response._response.read(), None
    try:
        body = decoded_by(encoding, body, getattr(response._response, "most_of_body", MOST_OF_BODY))
    except (AnswerError, zlib.error) as error:
        failed = type(error)(*error.args)
    response.release()
    if failed:
        del body  # the error may be kept for a while, and all that this function knows with it
        raise failed
    return body


def _use_limits_of_users() -> None:
    """Use the limit that a user class has set for its bodies."""
    init, send = FastHttpSession.__init__, LocustUserAgent._urlopen

    def init_with_limit(session: FastHttpSession, *arguments: Any, **options: Any) -> None:
        init(session, *arguments, **options)
        session.client.most_of_body = most_of_body(session.user)

    def send_with_limit(agent: LocustUserAgent, request: Any) -> Any:
        response = send(agent, request)
        response._response.most_of_body = getattr(agent, "most_of_body", MOST_OF_BODY)
        return response

    FastHttpSession.__init__, LocustUserAgent._urlopen = init_with_limit, send_with_limit


def _show_any_conversation() -> None:
    """Show the answer of an error whatever its body is, where geventhttpclient notes it with the error.

    Stock users raise an exception if the body is not UTF-8. They show the whole of it.
    """

    def show(
        _agent: type[UserAgent], url: str, response: CompatResponse, payload: Any = None, **_: Any
    ) -> str:
        try:
            body = response.content
        except (AnswerError, zlib.error):  # the status counts, and has failed the request
            body = response._cached_content = b""
        sent = (
            payload[:MOST_SHOWN] if isinstance(payload, bytes) else str(payload or "").encode()[:MOST_SHOWN]
        )
        lines = [
            f"REQUEST: {url}",
            f"{response._response._sent_request}{sent.decode('utf-8', 'replace')}",
            f"RESPONSE: {response._response.version} {response.status_code}",
            str(response.headers),
            "",
            body[:MOST_SHOWN].decode("utf-8", "replace"),
        ]
        return "\n".join(lines)

    UserAgent._conversation_str = classmethod(show)  # type: ignore[assignment,arg-type]

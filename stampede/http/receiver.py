"""Reads the bytes of one connection as answers, within limits. Pure: it knows no sockets."""

from __future__ import annotations

from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from stampede.http.errors import AnswerError, NoAnswerError
from stampede.http.limits import FREE, MOST_OF_HEAD, TOO_LONG_HEAD, Held, too_long

MOST_INTERIM = 10
"""Answers before the final one."""

INTERIM = range(100, 200)
"""Statuses of answers after which another one follows."""

SWITCHING = 101
"""The status after which the connection speaks another language."""

AFTER_ANSWER = "there are bytes after the answer"
TOO_MANY_INTERIM = f"there are more than {MOST_INTERIM} answers before the final one"
TOO_LONG_AROUND = f"what is around the body is longer than {MOST_OF_HEAD // 1024} KiB"


class RawAnswer(NamedTuple):
    """One answer as it came: its body may be encoded."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | bytearray
    is_reusable: bool
    """Whether another request may use the connection."""
    error: OSError | None = None
    """Why the answer is not complete. Then its body is missing; status and headers may be, too."""


class Receiver:
    """The answers of one connection, one at a time."""

    def __init__(self) -> None:
        self._held: Held | None = None
        self.answer: RawAnswer | None = None
        """The answer once it is complete."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: bytes | bytearray = b""
        self._is_head = True
        self.begin(is_head=False, most_of_body=0)

    def begin(self, is_head: bool, most_of_body: int) -> None:
        """Expect the answer of a request. `most_of_body` is in bytes."""
        if self._is_head:  # its parser waits for a body
            self._parser = HttpResponseParser(self)
        self.has_begun = False
        """Whether any byte of the answer has come."""
        self._is_head, self._most = is_head, most_of_body
        self._received = self._around = self._interim = 0
        self._status = 0
        """The status once the head of the final answer has come."""
        self._has_length = False

    def feed(self, data: memoryview) -> bool:
        """Parse the next bytes; return whether the answer is complete. Raises AnswerError."""
        self.has_begun = True
        self._received += len(data)
        self._around += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self.answer is None:
                raise _readable(error) from None
            self.answer = self.answer._replace(is_reusable=False)  # there is more than an answer
        if self.answer is None:
            self._check()
        return self.answer is not None

    def end(self) -> None:
        """Note that the server has closed the connection. Raises NoAnswerError where an answer is missing."""
        if self._status and not self._has_length and not self._is_head:
            self._finish(is_reusable=False)
        else:
            what = "in the middle of its answer" if self.has_begun else "without an answer"
            raise NoAnswerError(f"the server closed the connection {what}")

    def broken(self, error: OSError) -> RawAnswer:
        """Return what has come of an answer that cannot be completed."""
        return RawAnswer(self._status, self._headers if self._status else [], b"", False, error)

    def free(self) -> None:
        """Forget the answer, which was taken or cannot be completed."""
        self.answer, self._headers, self._body = None, [], b""
        if self._held:
            self._held.free()
            self._held = None

    def _check(self) -> None:
        if not self._status:
            if self._received > MOST_OF_HEAD:
                raise AnswerError(TOO_LONG_HEAD)
        elif self._around > MOST_OF_HEAD:  # an extension of a chunk, or trailers
            raise AnswerError(TOO_LONG_AROUND)
        # What is around a body counts, too: each of its bytes may come in a chunk with an extension.
        size = max(len(self._body), self._received - MOST_OF_HEAD)
        if size > FREE or size > self._most:
            self._held = self._held or Held(self._most)
            self._held.resize(size)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Refuse bytes after an answer. Raises AnswerError."""
        if self.answer is not None:
            raise AnswerError(AFTER_ANSWER)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, but no trailer."""
        if not self._status:
            self._headers.append((name, value))
            match name.lower():
                case b"content-length":
                    self._has_length = True
                case b"transfer-encoding":
                    self._has_length = value.lower().endswith(b"chunked")

    def on_headers_complete(self) -> None:
        """Note the status of the final answer."""
        status = self._parser.get_status_code()
        if status in INTERIM and status != SWITCHING:
            return
        if status < INTERIM.start:
            raise AnswerError(f"the answer has the status {status}")
        self._status = status
        if self._is_head or status == SWITCHING:  # its length is that of what a GET would have
            self._finish(self._is_head and self._parser.should_keep_alive())

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body. Raises AnswerError beyond its limit."""
        if self.answer is not None:
            raise AnswerError(AFTER_ANSWER)
        self._around = 0
        if not self._body:
            self._body = part
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        if len(self._body) > self._most:
            raise AnswerError(too_long(self._most))

    def on_message_complete(self) -> None:
        """Note that the answer is complete, unless it is an interim one."""
        if self._status:
            if self.answer is None:
                self._finish(self._parser.should_keep_alive())
            return
        self._interim += 1
        if self._interim > MOST_INTERIM:
            raise AnswerError(TOO_MANY_INTERIM)
        self._headers, self._has_length = [], False

    def _finish(self, is_reusable: bool) -> None:
        self.answer = RawAnswer(self._status, self._headers, self._body, is_reusable)


def _readable(error: Exception) -> AnswerError:
    if isinstance(error.__context__, AnswerError):  # one of the callbacks above
        return error.__context__
    return AnswerError(f"the answer is not HTTP/1.1: {error}")

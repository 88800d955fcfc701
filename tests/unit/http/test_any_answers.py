"""Any right answers on one connection are read as they were meant, wherever their bytes are split."""

from __future__ import annotations

import gzip
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stampede.http.decoding import decoded_by
from stampede.http.errors import NoAnswerError
from stampede.http.receiver import Receiver

MOST = 100_000
NAMES = some.sampled_from([b"X-A", b"x-a", b"Link", b"Set-Cookie", b"Content-Type", b"Date"])
VALUES = some.sampled_from([b"", b"1", b"a: b", b"\xe4, \xff", b"x" * 300, b"chunked", b"close"])
HEADERS = some.lists(some.tuples(NAMES, VALUES), max_size=3)
EXTENSIONS = some.sampled_from([b"", b"", b";a", b";a=b", b';a="b c";d', b";" + b"e" * 300])
BODIES = some.one_of(
    some.binary(max_size=60), some.sampled_from([b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n", b"x" * 5000])
)


class Answer(NamedTuple):
    """The bytes of an answer, and what they mean."""

    content: bytes
    is_head: bool
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    """Without its encoding."""
    is_last: bool
    """Whether the server closes the connection after it."""
    has_end: bool = True
    """Whether it ends before the connection does."""


def lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


@some.composite
def chunks(draw: some.DrawFn, body: bytes) -> bytes:
    """Return a body in chunks of any size, with extensions and trailers."""
    parts = b""
    while body:
        size = draw(some.integers(1, len(body)))
        number = draw(some.sampled_from([b"%x", b"%X", b"00%x"])) % size
        parts += number + draw(EXTENSIONS) + b"\r\n" + body[:size] + b"\r\n"
        body = body[size:]
    return parts + b"0" + draw(EXTENSIONS) + b"\r\n" + lines(draw(HEADERS)) + b"\r\n"


@some.composite
def answers(draw: some.DrawFn, is_last: bool) -> Answer:
    interim = b"".join(
        b"HTTP/1.1 %d Wait\r\n%b\r\n" % (draw(some.sampled_from([100, 102, 103])), lines(draw(HEADERS)))
        for _ in range(draw(some.integers(0, 3)))
    )
    is_head, status = draw(some.booleans()), draw(some.sampled_from([200, 201, 204, 304, 404, 503]))
    has_body = status not in (204, 304) and not is_head
    headers, body = draw(HEADERS), draw(BODIES)
    sent = body
    if draw(some.booleans()):
        sent = gzip.compress(body)
        headers.append((b"Content-Encoding", b"gzip"))
    framing = draw(some.sampled_from(["length", "chunks", "end"] if is_last else ["length", "chunks"]))
    if framing == "length":
        headers.append((b"Content-Length", b"%d" % len(sent)))
    elif framing == "chunks":
        headers.append((b"Transfer-Encoding", b"chunked"))
        sent = draw(chunks(sent))
    if is_last:
        headers.append((b"Connection", b"close"))
    reason = draw(some.sampled_from([b"", b" ", b" OK", b" \xe4"]))
    head = b"HTTP/1.1 %d%b\r\n%b\r\n" % (status, reason, lines(headers))
    content = interim + head + (sent if has_body else b"")
    has_end = framing != "end" or not has_body
    return Answer(content, is_head, status, headers, body if has_body else b"", is_last, has_end)


def parts(data: some.DataObject, content: bytes) -> list[memoryview]:
    """The content, split at any places; or each byte for itself."""
    places = some.lists(some.integers(1, len(content)), max_size=8, unique=True)
    cuts = data.draw(some.one_of(places, places, some.just([*range(1, len(content))])))
    ends = [0, *sorted(cuts), len(content)]
    pieces = [content[start:end] for start, end in pairwise(ends)]
    return [memoryview(piece) for piece in pieces if piece]


@settings(deadline=None)  # which would be the machine's speed
@given(some.data())
def test_any_answers_are_read_as_they_were_meant(data: some.DataObject) -> None:
    """And each is complete with its last byte, not before."""
    receiver = Receiver()
    count = data.draw(some.integers(1, 3))
    for number in range(1, count + 1):
        meant = data.draw(answers(is_last=number == count and data.draw(some.booleans())))
        receiver.begin(meant.is_head, MOST)
        *first, last = parts(data, meant.content)
        assert not any(receiver.feed(part) for part in first)
        assert receiver.feed(last) == meant.has_end
        if not meant.has_end:
            receiver.end()
        read = receiver.answer
        assert read
        assert (read.status, read.headers, read.error) == (meant.status, meant.headers, None)
        assert read.is_reusable == (not meant.is_last)
        encoding = dict(meant.headers).get(b"Content-Encoding", b"").decode()
        assert decoded_by(encoding, bytes(read.body), MOST) == meant.body
        receiver.free()


@settings(deadline=None)
@given(some.data())
def test_no_part_of_an_answer_is_one(data: some.DataObject) -> None:
    """Where the connection ends too early, the request has no answer."""
    meant = data.draw(answers(is_last=False))
    size = len(meant.content)
    cut = meant.content[: data.draw(some.integers(0, size - 1) | some.integers(size - 3, size - 1))]
    receiver = Receiver()
    receiver.begin(meant.is_head, MOST)
    assert not any(receiver.feed(part) for part in (parts(data, cut) if cut else ()))
    with pytest.raises(NoAnswerError):
        receiver.end()

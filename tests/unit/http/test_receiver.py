"""Answers are the same wherever their bytes are split, and nothing is taken for an answer that is none."""

from __future__ import annotations

import random

import pytest

from stampede.http.errors import AnswerError, NoAnswerError
from stampede.http.limits import Held
from stampede.http.receiver import RawAnswer, Receiver

MOST = 100_000
TYPE = (b"Content-Type", b"text/plain")

WHOLE = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    "empty": (b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, b"", True),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
        200,
        b"abcde",
        True,
    ),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n",
        200,
        b"a",
        True,
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", 304, b"", True),
    "interim": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        200,
        b"a",
        True,
    ),
    "close": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
        200,
        b"a",
        False,
    ),
    "old": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, b"a", False),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", 200, b"a", True),
}


def receiver(*, is_head: bool = False, most: int = MOST) -> Receiver:
    made = Receiver()
    made.begin(is_head, most)
    return made


def fed(*parts: bytes, is_head: bool = False) -> RawAnswer:
    """The answer in some parts; only the last one completes it."""
    receiving = receiver(is_head=is_head)
    for part in parts[:-1]:
        assert not receiving.feed(memoryview(part))
    assert receiving.feed(memoryview(parts[-1]))
    assert receiving.answer
    return receiving.answer


@pytest.mark.parametrize(("content", "status", "body", "is_reusable"), WHOLE.values(), ids=WHOLE)
def test_an_answer_is_the_same_wherever_it_is_split(
    content: bytes, status: int, body: bytes, is_reusable: bool
) -> None:
    whole = fed(content)
    assert (whole.status, bytes(whole.body), whole.is_reusable) == (status, body, is_reusable)
    for place in range(1, len(content)):
        assert fed(content[:place], content[place:]) == whole
    assert fed(*(content[place : place + 1] for place in range(len(content)))) == whole


def test_headers_are_kept_as_they_came_but_no_trailers() -> None:
    answer = fed(
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-B: 3\r\n\r\n"
    )
    assert answer.headers == [(b"X-A", b"1"), (b"x-a", b"2"), (b"Transfer-Encoding", b"chunked")]


@pytest.mark.parametrize("head", [b"Content-Length: 500", b"Transfer-Encoding: chunked", b"X: y"])
def test_the_answer_to_head_has_no_body(head: bytes) -> None:
    receiving = receiver(is_head=True)
    for _ in range(2):
        assert receiving.feed(memoryview(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n"))
        assert receiving.answer
        assert receiving.answer.body == b""
        receiving.free()
        receiving.begin(is_head=True, most_of_body=MOST)
    receiving.begin(is_head=False, most_of_body=MOST)
    assert receiving.feed(memoryview(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"))


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    receiving = receiver()
    assert not receiving.feed(memoryview(b"HTTP/1.1 200 OK\r\n\r\nhel"))
    assert not receiving.feed(memoryview(b"lo"))
    receiving.end()
    assert receiving.answer == RawAnswer(200, [], b"hello", False)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 O", "in the middle of its answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "in the middle of its answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "in the middle of its answer"),
    ],
)
def test_an_answer_that_is_cut_is_no_answer(content: bytes, what: str) -> None:
    receiving = receiver()
    if content:
        assert not receiving.feed(memoryview(content))
    with pytest.raises(NoAnswerError, match=f"the server closed the connection {what}"):
        receiving.end()


def test_bytes_after_an_answer_are_not_the_next_one() -> None:
    answer = fed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n")
    assert (answer.body, answer.is_reusable) == (b"a", False)


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 abc OK\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
    ],
)
def test_what_is_no_answer_fails_with_a_text(content: bytes) -> None:
    with pytest.raises(AnswerError, match=r"."):
        receiver().feed(memoryview(content))


ENDLESS = {
    "head": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", "the head of the answer is longer than 64 KiB"),
    "line": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 999, "the head of the answer is longer than 64 KiB"),
    "reason": (b"HTTP/1.1 200 ", b"O" * 999, "the head of the answer is longer than 64 KiB"),
    "interim": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "there are more than 10 answers before the final one"),
    "body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 999, "the body is longer than"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "the body is longer"),
    "extension": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
        b"a" * 999,
        "what is around the body is longer than 64 KiB",
    ),
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
        b"X: y\r\n",
        "what is around the body is longer than 64 KiB",
    ),
}


@pytest.mark.parametrize(("start", "block", "text"), ENDLESS.values(), ids=ENDLESS)
def test_an_answer_without_an_end_is_beyond_a_limit(start: bytes, block: bytes, text: str) -> None:
    receiving = receiver()
    if start:
        receiving.feed(memoryview(start))
    with pytest.raises(AnswerError, match=text):
        any(receiving.feed(memoryview(block)) for _ in range(100_000))
    receiving.free()
    assert Held.total == 0


def test_a_short_body_may_be_too_long() -> None:
    content, *_ = WHOLE["length"]
    assert receiver(most=5).feed(memoryview(content))
    with pytest.raises(AnswerError, match="the body is longer than"):
        receiver(most=4).feed(memoryview(content))


def test_any_garbage_is_an_answer_or_an_error() -> None:
    """Bytes of real answers, with some of them replaced, left out and doubled."""
    draw = random.Random(15)  # noqa: S311 - always the same
    answers = [content for content, *_ in WHOLE.values()]
    outcomes = set()
    for _ in range(5_000):
        garbage = bytearray(draw.choice(answers) * draw.randint(1, 2))
        for _ in range(draw.randint(0, 4)):
            place = draw.randrange(len(garbage))
            garbage[place : place + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
        receiving = receiver()
        try:
            is_complete = receiving.feed(memoryview(garbage))
            if not is_complete:
                receiving.end()
            outcomes.add("answer")
        except AnswerError:
            outcomes.add("error")
    assert outcomes == {"answer", "error"}

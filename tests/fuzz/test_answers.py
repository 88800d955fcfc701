"""Whatever bytes an API sends to a FastUser, they are an answer or an error, in time that grows with them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from stampede.http.errors import AnswerError
from stampede.http.limits import Held
from stampede.http.receiver import Receiver
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import texts

TOKENS = (
    *("HTTP/1.1 200 OK\r\n", "HTTP/1.0 200\r\n", "HTTP/1.1 204 No\r\n", "HTTP/1.1 101 Up\r\n", "HTTP/9.9 "),
    *("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 304 \r\n", "HTTP/1.1 9999 x\r\n", "HTTP/1.1 -1 x\r\n"),
    *("Content-Length: 5\r\n", "Content-Length: -1\r\n", "Content-Length: " + "9" * 30 + "\r\n", "X: y\r\n"),
    *("Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Connection: close\r\n"),
    *("Upgrade: h2c\r\n", "Connection: upgrade\r\n", ": \r\n", "X\r\n", " folded\r\n", "X: \x00\r\n"),
    *(
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        "0\r\n",
        "5\r\nhello\r\n",
        "1;a=b\r\nx\r\n",
        "zz\r\n",
        "f" * 20 + "\r\n",
    ),
    *("hello", "\x16\x03\x01", "SSH-2.0-x\r\n", "é"),
)


@length()
@example("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + "1\r\nx\r\n" * 10_000, False, 7)
@example("HTTP/1.1 200 OK\r\n" + "X: y\r\n" * 10_000, False, 1)
@given(texts(TOKENS), st.booleans(), st.integers(1, 100_000))
def test_any_bytes_are_an_answer_or_an_error(text: str, is_head: bool, size: int) -> None:
    content, receiver = text.encode("latin-1", "replace"), Receiver()
    with case("answers", AnswerError):
        receiver.begin(is_head, most_of_body=20_000)
        for start in range(0, len(content), size):
            if receiver.feed(memoryview(content)[start : start + size]):
                break
        else:
            receiver.end()
        assert receiver.answer
        assert 100 < receiver.answer.status < 1000
        assert len(receiver.answer.body) <= 20_000
    receiver.free()
    assert Held.total == 0

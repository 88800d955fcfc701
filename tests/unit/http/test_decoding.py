"""Bodies are decoded up to a limit, also a small one."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from stampede.http.decoding import PIECE, decoded_by
from stampede.http.errors import AnswerError
from stampede.http.limits import Held

ENCODED = {
    "": lambda body: body,
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
}


@pytest.mark.parametrize("size", [1, 1_000, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
@pytest.mark.parametrize("encoding", ENCODED)
def test_a_body_may_be_as_long_as_its_limit_and_no_longer(encoding: str, size: int) -> None:
    """A limit may be below what is decoded at once."""
    body = bytes(size)
    encoded = ENCODED[encoding](body)
    assert decoded_by(encoding, encoded, size) == body
    with pytest.raises(AnswerError, match="the body is longer than"):
        decoded_by(encoding, encoded, size - 1)
    assert Held.total == 0


def test_an_unknown_encoding_has_a_short_text() -> None:
    with pytest.raises(AnswerError, match=r"^the body has the unknown encoding 'zzzzzzzzzzzzzzzzzzzz'$"):
        decoded_by("Z" * 999, b"x", 9)
    assert decoded_by("zstd", b"", 9) == b""

"""Decodes bodies, in pieces: a small body can be a large one when it is decoded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from time import perf_counter

import brotli

from stampede.http.errors import AnswerError
from stampede.http.limits import Work, holding, too_long

PIECE = 128 * 1024
"""Bytes that are decoded at once."""

LONGEST_ENCODING = 20
"""Characters of an unknown encoding that are shown."""


def decoded_by(encoding: str, body: bytes, most: int) -> bytes:
    """Return a body without its encoding, of `most` bytes at most. Raises AnswerError and zlib.error."""
    if body and encoding.lower() not in ("identity", ""):  # the answer to HEAD has no body
        body = _decoded(body, encoding.lower(), most)
    if len(body) > most:
        raise AnswerError(too_long(most))
    return body


def _decoded(body: bytes, encoding: str, most: int) -> bytes:
    """Return a decoded body; a long one has `most` bytes at most. Raises AnswerError and zlib.error."""
    if encoding not in DECODERS:
        raise AnswerError(f"the body has the unknown encoding {encoding[:LONGEST_ENCODING]!r}")
    pieces = DECODERS[encoding](body)
    first = next(pieces, b"")
    if len(first) < PIECE:  # nearly always
        rest = next(pieces, None)
        if rest is None:
            return first
        first += rest
    whole, work, began = bytearray(first), Work(), perf_counter()
    with holding(most) as held:
        for part in pieces:
            whole += part
            held.resize(max(len(whole), len(body)))
            work.add(perf_counter() - began)
            began = perf_counter()
        return bytes(whole)


def _inflated(body: bytes, window_bits: int) -> Iterator[bytes]:
    """Yield the pieces of a body in zlib's format. Raises zlib.error."""
    inflating = zlib.decompressobj(window_bits)
    for start in range(0, len(body), PIECE):
        part = inflating.decompress(body[start : start + PIECE], PIECE)
        while part:
            yield part
            part = b"" if inflating.eof else inflating.decompress(inflating.unconsumed_tail, PIECE)
        if inflating.eof:
            return
    raise zlib.error("Error -5 while decompressing data: incomplete or truncated stream")


def _deflated(body: bytes) -> Iterator[bytes]:
    """Yield the pieces of a body that is deflated; with the header that the standard demands, or without."""
    raw = _inflated(body, -zlib.MAX_WBITS)
    try:
        first = next(raw, b"")
    except zlib.error:
        yield from _inflated(body, zlib.MAX_WBITS)
    else:
        yield first
        yield from raw


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    """Yield the pieces of a body in the format of Brotli. Raises AnswerError."""
    decoding = brotli.Decompressor()
    try:
        for start in range(0, len(body), PIECE):
            part = decoding.process(body[start : start + PIECE], output_buffer_limit=PIECE)
            while part:
                yield part
                part = decoding.process(b"", output_buffer_limit=PIECE)
    except brotli.error as error:
        raise AnswerError("the body is not in the format of Brotli") from error
    if not decoding.is_finished():
        raise AnswerError("the body in the format of Brotli is not complete")


DECODERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": lambda body: _inflated(body, 16 + zlib.MAX_WBITS),
    "x-gzip": lambda body: _inflated(body, 16 + zlib.MAX_WBITS),  # its old name
    "deflate": _deflated,
    "br": _unbrotlied,
}

"""Reads chosen samples of Prometheus text, which may hold anything. Pure.

Lines are chosen by their beginning and their length before prometheus_client parses them. Its parser needs up
to 1 ms for a line of LONGEST_LINE bytes, and more than linear time for longer ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

LONGEST_LINE = 1000
"""Bytes of the longest line that is parsed."""

PIECE = 16_384
"""Bytes whose lines are chosen at once, in at most 0.5 ms."""


class Sample(NamedTuple):
    """A line: a name, its labels and its value."""

    name: str
    labels: Mapping[str, str]
    value: float


class BadLine(NamedTuple):
    """A line of a chosen name that is not a sample, or too long."""

    name: str
    text: str
    """Its beginning."""


def samples(content: bytes | bytearray, names: Collection[str]) -> Iterator[Sample | BadLine | None]:
    """Yield the samples with one of these names. Yield None in between, so that the caller can pause."""
    # The line feed in front makes the search fast. It is that of the line before.
    lines = re.compile(rf"\n({'|'.join(map(re.escape, sorted(names)))})[ \t{{][^\n]*".encode())
    for piece in _pieces(content):
        yield None
        for line in lines.finditer(piece):
            yield _parsed(line[1].decode(), bytes(line[0][1:]))


def _pieces(content: bytes | bytearray) -> Iterator[bytes | bytearray]:
    """Yield the content in short pieces, each of which begins with a line feed. A long line is cut."""
    start, end = 0, content.find(b"\n", PIECE)
    yield b"\n" + content[: _cut(start, end)]
    while end >= 0:
        start, end = end, content.find(b"\n", end + PIECE)
        yield content[start : _cut(start, end)]


def _cut(start: int, end: int) -> int:
    """Return where a piece ends: not at the end of a line that is too long to be parsed."""
    longest = start + PIECE + LONGEST_LINE + 1
    return longest if end < 0 else min(end, longest)


def _parsed(name: str, line: bytes) -> Sample | BadLine | None:
    """Return the sample in a line; None where the parser finds another name, as in `name {__name__="x"}`."""
    try:
        if len(line) > LONGEST_LINE:
            raise ValueError(f"longer than {LONGEST_LINE} bytes")
        ((sample,),) = (family.samples for family in text_string_to_metric_families(line.decode()))
        value = float(sample.value)
    except (ValueError, LookupError, OverflowError):  # the parser raises them, too
        return BadLine(name, line[:LONGEST_LINE].decode("utf-8", "replace"))
    return Sample(sample.name, sample.labels, value) if sample.name == name else None

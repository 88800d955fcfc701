"""Shortens what a server or a locustfile sent, so that it can be printed on a terminal. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

from stampede import harmless

MAX_LINES = 5
"""Lines of a body that are printed. Blank lines are left out."""

MAX_CHARACTERS = 200
"""Characters of a line that are printed."""

HEAD = 16_384
"""Bytes at the beginning of a body that are searched for lines."""

SHORTEST_SECRET = 4
"""Characters. Shorter values, such as `1` or `yes`, are part of too many words to be hidden."""

HIDDEN = "***"
"""Printed in place of a secret."""


class Shown:
    """Makes texts printable. `secrets` are texts that must not be printed, such as a password."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first: one may be a part of another.
        long_enough = (secret for secret in secrets if len(secret) >= SHORTEST_SECRET)
        self._secrets = sorted(long_enough, key=len, reverse=True)

    def line(self, raw: str) -> str:
        """Return a text as one line: secrets hidden, control characters escaped, MAX_CHARACTERS at most."""
        return _shortened(self._hidden(raw))

    def body(self, content: bytes) -> list[str]:
        """Return the first lines of a body, and its size if a part of it is left out.

        Binary content is one line with its size.
        """
        decoded = codecs.getincrementaldecoder("utf-8")("replace").decode(content[:HEAD])
        if _is_binary(decoded):
            return [f"binary, {len(content):,} bytes"]
        lines = [line for line in self._hidden(decoded).splitlines() if line.strip()]
        first = [_shortened(line) for line in lines[:MAX_LINES]]
        is_whole = len(content) <= HEAD and len(lines) <= MAX_LINES
        if not is_whole or any(len(line) > MAX_CHARACTERS for line in lines):
            first.append(f"… {len(content):,} bytes in all")
        return first

    def _hidden(self, raw: str) -> str:
        for secret in self._secrets:
            raw = raw.replace(secret, HIDDEN)
        return raw


def _shortened(raw: str) -> str:
    text = harmless.escaped(raw[:MAX_CHARACTERS])
    return f"{text}…" if len(raw) > MAX_CHARACTERS else text


def _is_binary(decoded: str) -> bool:
    """Return whether a decoded text has a null character, or many that are no text."""
    return "\0" in decoded or decoded.count("\ufffd") * 10 > len(decoded)

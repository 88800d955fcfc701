"""The reason why a program failed, taken from its log."""

from __future__ import annotations

import re

from stampede import harmless

OURS = re.compile(r"(stampede|api|postgres): ")
"""The beginning of a line that this project writes for its user."""


def last_words(log: str | None) -> str:
    """Return the last line of this project in a log; if there is none, the last line.

    It comes without `stampede: `, with which the rig's own messages begin.
    """
    lines = [line.strip() for line in (log or "").splitlines() if line.strip()]
    ours = [line for line in lines if OURS.match(line)]
    return harmless.line((ours or lines or ["it printed nothing"])[-1].removeprefix("stampede: "))

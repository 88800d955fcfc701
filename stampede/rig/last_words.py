"""What somebody printed before they failed, in one line."""

from __future__ import annotations

import re

OURS = re.compile(r"(stampede|api|postgres): ")
"""How a line begins that is written for whoever starts the thing."""


def last_words(log: str | None) -> str:
    """The last line of a log that is meant for a user, else its last line at all."""
    lines = [line.strip() for line in (log or "").splitlines() if line.strip()]
    ours = [line for line in lines if OURS.match(line)]
    return (ours or lines or ["it said nothing"])[-1]

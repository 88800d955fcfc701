"""Where what is printed goes: to a terminal that can show colours and move its cursor, or to a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "PASS": "bold green",
    "FAIL": "bold red",
    "UNKNOWN": "bold magenta",
    "NOT_ASKED": "dim",
    "green": "bold green",
    "yellow": "bold yellow",
    "red": "bold red",
}
"""How a verdict and the colour of a check look. Rich respects NO_COLOR; the words say it all."""


def find() -> Console | None:
    """The terminal; None where there is none, or nothing that could draw on it."""
    try:
        from rich.console import Console
    except ImportError:  # with nothing but Python there are plain lines
        return None
    terminal = Console(highlight=False)
    return terminal if sys.stdout.isatty() and not terminal.is_dumb_terminal else None


def say(words: str, style: str = "") -> None:
    """Print a line, on a terminal in a style."""
    if terminal := find():
        terminal.print(words, style=style, markup=False, emoji=False, soft_wrap=True)
    else:
        print(words, flush=True)

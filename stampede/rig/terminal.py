"""Printing: in colours on a terminal, as plain text into files and pipes."""

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
"""The rich style of each verdict and of each colour of a check.

Colour adds no information, so NO_COLOR, which rich respects, loses nothing.
"""


def find() -> Console | None:
    """Return the terminal; None for a file, a pipe, a terminal without a cursor, or without rich."""
    try:
        from rich.console import Console
    except ImportError:  # rich is optional: the rig needs nothing but Python
        return None
    terminal = Console(highlight=False)
    return terminal if sys.stdout.isatty() and not terminal.is_dumb_terminal else None


def print_line(text: str, style: str = "") -> None:
    """Print a line; `style` applies on a terminal only."""
    if terminal := find():
        terminal.print(text, style=style, markup=False, emoji=False, soft_wrap=True)
    else:
        print(text, flush=True)

"""Makes text from outside harmless for the programs that show it: terminals, CI, GitHub, spreadsheets. Pure.

Errors, names and answers come from the target, which may write anything into them. All writers of Stampede
use these functions, those of the rig too. It needs nothing but Python.
"""

from __future__ import annotations

import re

REPLACED = "\ufffd"
"""Replaces a character that cannot be shown."""

TEXT_COMMAND = re.compile(r"##(\w*)\[")
"""Commands anywhere in a line: ``##[add-mask]`` (GitHub), ``##vso[…]`` (Azure), ``##teamcity[…]``."""

LINE_COMMAND = re.compile(r"\A(\s*)::")
"""A command at the beginning of a line: ``::error::`` (GitHub)."""

MOST_LOGGED = 20_000
"""Characters of one entry of a log."""

FORMULA = re.compile(r"\s*[=+@|%-]")
"""The beginning of a formula in a spreadsheet."""

SPECIAL = re.compile(r"[\\`*_{}\[\]<>~#&]")
"""Characters with a meaning in Markdown."""

LINKED = re.compile(
    r"""[@$`|]                     # a mention, a formula, code, a cell of a table
    | \# | \b [a-z]{2,} - \d      # an issue, also of another tracker
    | \b [0-9a-f]{7,} \b          # a commit
    | :// | www\.                 # a link
    | : (?: [a-z+-][\w+-]* | 100 | 1234 ) :   # an emoji
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Text that GitHub turns into something else, also where its characters are escaped."""


def line(text: str, most: int | None = None) -> str:
    """Return a text as one line without control characters, direction marks and commands for CI.

    It has `most` characters at most.
    """
    flat = " ".join(text.split())
    return _without_commands(_shortened(_printable(flat), most))


def lines(text: str, most: int | None = None) -> str:
    """Return a text as `line` does, with its line breaks and tabs; cut to `most` characters."""
    return "\n".join(
        _without_commands(_printable(each, "\t")) for each in _shortened(text, most).splitlines()
    )


def characters(text: str) -> str:
    """Return a text without control characters and direction marks, but with its line breaks and tabs."""
    return _printable(text, "\t\n\r")


def escaped(text: str) -> str:
    """Return a text as one line in which each character that cannot be shown is written as its number."""
    return _without_commands(
        "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    )


def markdown(text: str, most: int | None = None) -> str:
    """Return a text as one line of GitHub's Markdown that is shown as it is, also in the cell of a table.

    Text that could be a link, a mention or the like becomes code: there, GitHub looks for nothing.
    """
    flat = line(text, most)
    if not LINKED.search(flat):
        return SPECIAL.sub(r"\\\g<0>", flat)
    code = flat.replace("|", "\u2502")  # which cannot be escaped in the code of a cell
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence, space = "`" * (longest + 1), " " * ("`" in code)
    return f"{fence}{space}{code}{space}{fence}"


def cell(value: object) -> object:
    """Return a value for a cell of a CSV file. A text does not begin as a formula of a spreadsheet does."""
    if not isinstance(value, str):
        return value
    text = lines(value)
    return f"'{text}" if FORMULA.match(text) else text


def _printable(text: str, kept: str = "") -> str:
    if text.isprintable():  # nearly always
        return text
    wrong = (each for each in set(text) if not each.isprintable() and each not in kept)
    return text.translate({ord(each): REPLACED for each in wrong})


def _shortened(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"


def _without_commands(text: str) -> str:
    """Return a line in which no CI finds a command: a space breaks it."""
    return LINE_COMMAND.sub(r"\1: :", TEXT_COMMAND.sub(r"##\1 [", text))

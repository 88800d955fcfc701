"""``$NAME`` in a text replaced by values, by the rules of Compose (compose-go, template/template.go).

==================  =====================================================
``$NAME ${NAME}``   the value; nothing where it is not set
``${NAME:-text}``   the text where the value is not set or empty (``-``: not set)
``${NAME:+text}``   the text where the value is set and not empty (``+``: set)
``${NAME:?text}``   an error with the text where it is not set or empty (``?``: not set)
``$$``              a ``$``
==================  =====================================================

The text may hold variables itself. A ``$`` before anything else is a ``$``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]
"""The value of a variable; None where it is not set."""

VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|(?P<brace>\{))", re.ASCII)
BRACED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:(?P<rule>:?[-+?])(?P<text>.*))?", re.ASCII | re.DOTALL)


class InterpolationError(Exception):
    """A text that cannot be interpolated; the message says why and what to do."""


def interpolate(text: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    """Return the text with its variables replaced. `missing` gets each name that is not set, and has no text
    for that. Raises InterpolationError."""
    done, at = "", 0
    while found := VARIABLE.search(text, at):
        done += text[at : found.start()]
        at = found.end()
        if found["dollar"]:
            done += "$"
        elif found["name"]:
            done += _value(found["name"], lookup, missing)
        else:
            end = _closing_brace(text, at)
            done += _braced(text[at:end], lookup, missing)
            at = end + 1
    return done + text[at:]


def _closing_brace(text: str, at: int) -> int:
    """Where the brace is closed that was opened before `at`."""
    depth = 1
    for index in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise InterpolationError(f"'${{{text[at:]}' is not closed: for a $ as such write $$")


def _value(name: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        missing(name)
    return value or ""


def _braced(inside: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    found = BRACED.fullmatch(inside)
    if not found:
        raise InterpolationError(f"'${{{inside}}}' is no variable: for a $ as such write $$")
    name, rule, text = found["name"], found["rule"], found["text"]
    if not rule:
        return _value(name, lookup, missing)
    value = lookup(name)
    is_there = value is not None and (value != "" or not rule.startswith(":"))
    match rule[-1]:
        case "-" if not is_there:
            return interpolate(text, lookup, missing)
        case "+" if is_there:
            return interpolate(text, lookup, missing)
        case "?" if not is_there:
            reason = interpolate(text, lookup, missing)
            raise InterpolationError(f"{name} must be set{f': {reason}' if reason else ''}")
    return value or ""

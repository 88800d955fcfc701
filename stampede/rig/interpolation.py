"""Replacement of ``$NAME`` in text, by the rules of Compose (compose-go, template/template.go).

==================  =====================================================
``$NAME ${NAME}``   the value; nothing if it is not set
``${NAME:-text}``   the text if the value is not set or empty (``-``: not set)
``${NAME:+text}``   the text if the value is set and not empty (``+``: set)
``${NAME:?text}``   an error with the text if it is not set or empty (``?``: not set)
``$$``              a ``$``
==================  =====================================================

The text may contain variables too. A ``$`` before any other character stays a ``$``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Lookup = Callable[[str], str | None]
"""Returns the value of a variable; None if it is not set."""

VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>[A-Za-z_]\w*)|(?P<brace>\{))", re.ASCII)
BRACED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:(?P<rule>:?[-+?])(?P<text>.*))?", re.ASCII | re.DOTALL)


class InterpolationError(Exception):
    """A variable with a wrong syntax, or a required one that is not set.

    The message says what to do. It does not quote the text, which may be a password.
    """


def interpolate(text: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    """Return text with its variables replaced, or raise InterpolationError.

    `missing` is called with the name of each variable that is not set and whose rule does not cover that.
    """
    result, position = "", 0
    while variable := VARIABLE.search(text, position):
        result += text[position : variable.start()]
        position = variable.end()
        if variable["dollar"]:
            result += "$"
        elif variable["name"]:
            result += _value(variable["name"], lookup, missing)
        else:
            end = _closing_brace(text, position)
            result += _braced(text[position:end], lookup, missing)
            position = end + 1
    return result + text[position:]


def _closing_brace(text: str, start: int) -> int:
    """Return the index of the brace that closes the one just before `start`."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise InterpolationError("'${' is not closed: for a $ itself write $$")


def _value(name: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        missing(name)
    return value or ""


def _braced(inside: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    """Return the replacement for what is inside `${…}`."""
    variable = BRACED.fullmatch(inside)
    if not variable:
        raise InterpolationError("'${…}' has no variable: for a $ itself write $$")
    name, rule, text = variable["name"], variable["rule"], variable["text"]
    if not rule:
        return _value(name, lookup, missing)
    value = lookup(name)
    is_set = value is not None and (value != "" or not rule.startswith(":"))
    match rule[-1]:
        case "-" if not is_set:
            return interpolate(text, lookup, missing)
        case "+" if is_set:
            return interpolate(text, lookup, missing)
        case "?" if not is_set:
            raise InterpolationError("its value needs a variable that is not set: for a $ itself write $$")
    return value or ""

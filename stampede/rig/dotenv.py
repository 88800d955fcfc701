r"""Reading ``.env`` by the rules of Compose: Compose reads the file too, and both must get the same values.

- A value without quotes ends at `` #``.
- A value in single quotes is literal.
- In all other values, ``$NAME`` and ``${NAME}`` are replaced, and ``$$`` is a ``$``. The environment
  overrides variables of the file.
- In double quotes, ``\n`` and the like are escapes.

Source of the rules: compose-go, dotenv/parser.go. tests/cluster/test_dotenv.py compares the values with those
that Compose itself reads.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from stampede.rig import UsageError
from stampede.rig.interpolation import InterpolationError, interpolate

SPACE = r"[ \t\v\f\r\x85\xa0]"
"""White space that does not end a line."""
NAME = re.compile(rf"(?:export\s+)?(?P<name>[\w.\-\[\]]+){SPACE}*(?:(?P<separator>[=:]){SPACE}*|\n|\Z)")
QUOTED = {
    "'": re.compile(r"'(?P<value>(?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"', re.DOTALL),
}
ESCAPE = re.compile(r'\\([abfnrtv$"\\]|0\d{0,3})')
MEANINGS = dict(zip('abfnrtv$"\\', ("\a", "\b", "\f", "\n", "\r", "\t", "\v", "$$", '"', "\\"), strict=True))
r"""The text for each escape. `\$` gives `$$`, because the value is interpolated afterwards."""

_warned: set[str] = set()
"""Warnings that were printed: a command reads .env several times."""


def read(path: Path) -> dict[str, str]:
    """Return the variables of a file; none if it does not exist. Raise UsageError.

    No message quotes the file: its values may be passwords, and so may be a part of a line that is wrong.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text: write it again") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    return _Reader(path.name, text, os.environ).variables()


class _Reader:
    """A parser of one file. In its methods, `start` is where the present statement starts."""

    def __init__(self, file_name: str, text: str, environment: Mapping[str, str]) -> None:
        self._file_name = file_name
        self._text = text
        self._environment = environment
        self._position = 0
        self._variables: dict[str, str] = {}

    def variables(self) -> dict[str, str]:
        while self._skip_to_statement():
            start = self._position
            statement = NAME.match(self._text, start)
            if not statement:
                self._refuse(start, "write NAME=value")
            self._position = statement.end()
            name = statement["name"]
            if statement["separator"]:
                value = self._value(start)
                if not name[0].isdigit():  # Compose ignores these names
                    self._variables[name] = value
            elif name in self._environment:  # a name without a value takes that of the environment
                self._variables[name] = self._environment[name]
        return self._variables

    def _skip_to_statement(self) -> bool:
        blank = re.compile(r"(?:\s+|#[^\n]*)*").match(self._text, self._position)
        self._position = blank.end() if blank else self._position
        return self._position < len(self._text)

    def _value(self, start: int) -> str:
        quote = self._text[self._position : self._position + 1]
        if quote not in QUOTED:
            line, _, _ = self._text[self._position :].partition("\n")
            self._position += len(line) + 1
            return self._interpolated(line.partition(" #")[0].rstrip(), start)
        quoted = QUOTED[quote].match(self._text, self._position)
        if not quoted:
            self._refuse(start, f"the quote {quote} is not closed")
        self._position = quoted.end()
        value = quoted["value"].replace(f"\\{quote}", quote)
        return value if quote == "'" else self._interpolated(ESCAPE.sub(_unescaped, value), start)

    def _interpolated(self, value: str, start: int) -> str:
        try:
            return interpolate(value, self._lookup, lambda _: self._warn(start))
        except InterpolationError as error:
            self._refuse(start, str(error))

    def _lookup(self, name: str) -> str | None:
        return self._environment.get(name, self._variables.get(name))

    def _warn(self, start: int) -> None:
        warning = (
            f"{self._where(start)}: a variable in the value is not set and is replaced by nothing: "
            "for a $ itself write $$"
        )
        if warning not in _warned:
            _warned.add(warning)
            print(f"stampede: {warning}", file=sys.stderr)

    def _refuse(self, start: int, complaint: str) -> NoReturn:
        raise UsageError(f"{self._where(start)}: {complaint}")

    def _where(self, position: int) -> str:
        return f"{self._file_name}, line {self._text.count(chr(10), 0, position) + 1}"


def _unescaped(escape: re.Match[str]) -> str:
    char = escape[1]
    return MEANINGS[char] if char in MEANINGS else chr(int(char, 8))

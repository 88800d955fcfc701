"""``.env``, read by the rules of Compose, which reads the file too: both must find the same values.

A value without quotes ends at `` #``. A value in single quotes is literal. In all others ``$NAME`` and
``${NAME}`` are replaced, by the environment before the file, and ``$$`` is a ``$``; in double quotes ``\\n``
and the like are escapes. Source of the rules: compose-go, dotenv/parser.go. tests/cluster/test_dotenv.py
compares the values with those of Compose itself.
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
NAME = re.compile(rf"(?:export\s+)?(?P<name>[\w.\-\[\]]+){SPACE}*(?:(?P<given>[=:]){SPACE}*|\n|\Z)")
QUOTED = {
    "'": re.compile(r"'(?P<value>(?:[^'\\]|\\.)*)'", re.DOTALL),
    '"': re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"', re.DOTALL),
}
ESCAPE = re.compile(r'\\([abfnrtv$"\\]|0\d{0,3})')
MEANINGS = dict(zip('abfnrtv$"\\', ("\a", "\b", "\f", "\n", "\r", "\t", "\v", "$$", '"', "\\"), strict=True))

_warned: set[str] = set()


def read(path: Path) -> dict[str, str]:
    """Return the variables of a file; none where there is no such file. Raises UsageError."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text: write it again") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    return _Reader(path.name, text, os.environ).variables()


class _Reader:
    def __init__(self, name: str, text: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._text = text
        self._environment = environment
        self._at = 0
        self._found: dict[str, str] = {}

    def variables(self) -> dict[str, str]:
        while self._skip_to_statement():
            begun = self._at
            statement = NAME.match(self._text, self._at)
            if not statement:
                line = self._text[begun:].partition("\n")[0].strip()
                self._refuse(begun, f"'{line}' is not NAME=value")
            self._at = statement.end()
            name = statement["name"]
            if statement["given"]:
                value = self._value(begun)
                if not name[0].isdigit():  # Compose ignores these
                    self._found[name] = value
            elif name in self._environment:  # a name alone is inherited
                self._found[name] = self._environment[name]
        return self._found

    def _skip_to_statement(self) -> bool:
        blank = re.compile(r"(?:\s+|#[^\n]*)*").match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return self._at < len(self._text)

    def _value(self, begun: int) -> str:
        quote = self._text[self._at : self._at + 1]
        if quote not in QUOTED:
            line, _, _ = self._text[self._at :].partition("\n")
            self._at += len(line) + 1
            return self._interpolated(line.partition(" #")[0].rstrip(), begun)
        found = QUOTED[quote].match(self._text, self._at)
        if not found:
            self._refuse(begun, f"the quote {quote} is not closed")
        self._at = found.end()
        value = found["value"].replace(f"\\{quote}", quote)
        return value if quote == "'" else self._interpolated(ESCAPE.sub(_meaning, value), begun)

    def _interpolated(self, value: str, begun: int) -> str:
        try:
            return interpolate(value, self._lookup, lambda name: self._warn(name, begun))
        except InterpolationError as error:
            self._refuse(begun, str(error))

    def _lookup(self, name: str) -> str | None:
        return self._environment.get(name, self._found.get(name))

    def _warn(self, name: str, begun: int) -> None:
        """Once: the file is read for each command that is started."""
        warning = (
            f"{self._where(begun)}: ${name} is not set, so nothing stands there: for a $ as such write $$"
        )
        if warning not in _warned:
            _warned.add(warning)
            print(f"stampede: {warning}", file=sys.stderr)

    def _refuse(self, begun: int, complaint: str) -> NoReturn:
        raise UsageError(f"{self._where(begun)}: {complaint}")

    def _where(self, at: int) -> str:
        return f"{self._name}, line {self._text.count(chr(10), 0, at) + 1}"


def _meaning(found: re.Match[str]) -> str:
    escaped = found[1]
    return MEANINGS[escaped] if escaped in MEANINGS else chr(int(escaped, 8))

"""The words of a text that states targets, one after the other, and where each stands. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple, NoReturn

_TOKEN = re.compile(
    r"""(?P<separator>[,;\n])|(?P<optional>\(\s*optional\s*\))|(?P<comparison>[<>=!≤≥]+)"""
    r"""|(?P<quoted>"[^"\n]+"|'[^'\n]+')|(?P<word>[^\s,;<>=!≤≥()"']+)|(?P<strange>\S)""",
    re.IGNORECASE,
)


class TargetError(ValueError):
    """A text that states no targets. Its message has the column of the mistake, from 1, and points at it."""

    def __init__(self, text: str, at: int, complaint: str) -> None:
        line = text.count("\n", 0, at) + 1
        self.column = column_of(text, at)
        place = f"line {line}, column {self.column}" if "\n" in text.strip() else f"column {self.column}"
        shown = text.split("\n")[line - 1].replace("\t", " ")
        super().__init__(f"{place}: {complaint}\n    {shown}\n    {' ' * (self.column - 1)}^")


def column_of(text: str, at: int) -> int:
    """Of a position in a text: from 1, in its line."""
    return at - text.rfind("\n", 0, at)


class Token(NamedTuple):
    """``kind`` is separator, optional, comparison, quoted, word, strange or end."""

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """Those of a text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            Token(str(found.lastgroup), found[0], found.start(), found.end())
            for found in _TOKEN.finditer(text)
        ]
        end = len(text.rstrip())
        self._tokens.append(Token("end", "", end, end))
        self._next = 0

    @property
    def next(self) -> Token:
        """The next one; at the end it is of the kind ``end``."""
        return self._tokens[self._next]

    @property
    def word(self) -> str:
        """The next one in small letters, or nothing where it is no word."""
        return self.next.text.casefold() if self.next.kind == "word" else ""

    def take(self) -> Token:
        """The next one; what follows it is next then. Never past the end."""
        token = self.next
        if token.kind != "end":
            self._next += 1
        return token

    def takes(self, kind: str) -> bool:
        """Take the next one if it is of this kind. Returns whether it was."""
        return self.next.kind == kind and bool(self.take())

    def takes_words(self, *words: str) -> bool:
        """Take the next ones if they are these. Returns whether they were."""
        ahead = self._tokens[self._next : self._next + len(words)]
        if tuple(token.text.casefold() for token in ahead) != words:
            return False
        self._next += len(words)
        return True

    def takes_after_separator(self, word: str) -> bool:
        """Take a word, and what separates it from what was before."""
        begun = self._next
        self.takes("separator")
        if self.takes_words(word):
            return True
        self._next = begun
        return False

    def since(self, first: Token) -> str:
        """What has been read from that one on, in one line; what stands in quotes stays as it is."""
        read = [token for token in self._tokens[: self._next] if token.start >= first.start]
        gaps = ("", *(" " * (token.start > before.end) for before, token in pairwise(read)))
        return "".join(gap + token.text for gap, token in zip(gaps, read, strict=True))

    def column(self, token: Token) -> int:
        """Where it stands in its line, from 1."""
        return column_of(self._text, token.start)

    def refuse(self, complaint: str, token: Token | None = None) -> NoReturn:
        """Raise TargetError for a token; for the next one if none is given."""
        token = token or self.next
        found = f"'{token.text}': " if token.text.strip() else "here "
        raise TargetError(self._text, token.start, f"{found}{complaint}")

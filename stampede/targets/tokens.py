"""Splits a text of targets into tokens, and reports mistakes by their column. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple, NoReturn

_TOKEN = re.compile(
    r"""(?P<separator>[,;\n])|(?P<optional>\(\s*optional\s*\))|(?P<comparison>[<>=!≤≥]+)"""
    r"""|(?P<quoted>"[^"\n]+"|'[^'\n]+')|(?P<word>[^\s,;<>=!≤≥()"']+)|(?P<strange>\S)""",
    re.IGNORECASE,
)


class TargetError(ValueError):
    """A text that cannot be parsed. The message has the column of the mistake, from 1, and points at it."""

    def __init__(self, text: str, at: int, complaint: str) -> None:
        line = text.count("\n", 0, at) + 1
        self.column = column_of(text, at)
        place = f"line {line}, column {self.column}" if "\n" in text.strip() else f"column {self.column}"
        shown = text.split("\n")[line - 1].replace("\t", " ")
        super().__init__(f"{place}: {complaint}\n    {shown}\n    {' ' * (self.column - 1)}^")


def column_of(text: str, at: int) -> int:
    """Return the column of a position in its line, from 1."""
    return at - text.rfind("\n", 0, at)


class Token(NamedTuple):
    """A token. Its ``kind`` is separator, optional, comparison, quoted, word, strange or end."""

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """The tokens of a text, read from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [
            Token(str(match.lastgroup), match[0], match.start(), match.end())
            for match in _TOKEN.finditer(text)
        ]
        end = len(text.rstrip())
        self._tokens.append(Token("end", "", end, end))
        self._next = 0

    @property
    def next(self) -> Token:
        """Return the next token without taking it; at the end, one of the kind ``end``."""
        return self._tokens[self._next]

    @property
    def word(self) -> str:
        """Return the next token in lower case; an empty string where it is not a word."""
        return self.next.text.casefold() if self.next.kind == "word" else ""

    def take(self) -> Token:
        """Take the next token and return it. The end stays the next one."""
        token = self.next
        if token.kind != "end":
            self._next += 1
        return token

    def accept(self, kind: str) -> bool:
        """Take the next token if it is of this kind. Returns whether it was."""
        return self.next.kind == kind and bool(self.take())

    def accept_words(self, *words: str) -> bool:
        """Take the next tokens if they are these words. Returns whether they were."""
        ahead = self._tokens[self._next : self._next + len(words)]
        if tuple(token.text.casefold() for token in ahead) != words:
            return False
        self._next += len(words)
        return True

    def accept_after_separator(self, word: str) -> bool:
        """Take this word, and a separator before it, if they come next. Returns whether they did."""
        start = self._next
        self.accept("separator")
        if self.accept_words(word):
            return True
        self._next = start
        return False

    def text_since(self, first: Token) -> str:
        """Return the text of all tokens taken from `first` on, with single spaces between them.

        Quoted text stays as it is.
        """
        begin = bisect_left(self._tokens, first.start, key=attrgetter("start"))
        taken = self._tokens[begin : self._next]
        gaps = ("", *(" " * (token.start > before.end) for before, token in pairwise(taken)))
        return "".join(gap + token.text for gap, token in zip(gaps, taken, strict=True))

    def fail(self, complaint: str, token: Token | None = None) -> NoReturn:
        """Raise TargetError for a token; for the next one if none is given."""
        token = token or self.next
        place = f"'{token.text}': " if token.text.strip() else "here "
        raise TargetError(self._text, token.start, f"{place}{complaint}")

"""Finds the API's route for the name of a request: `/products/{id}` for `/products/17`. Pure.

The API states its routes, and they must not decide how long a search takes. So none becomes a regular
expression. They are a tree of the parts between two slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

PARAMETER = re.compile(r"\{[^{}]*\}")
ANY = "\0"
"""Stands for a parameter: one or more characters of a part."""

MOST_PATTERNS = 100
"""Parts with parameters, such as `{id}.json`, that may follow after the same parts. More are never found."""

MOST_CHOICES = 100
"""Parts of routes that a part of a path is compared with. More are left out."""


@dataclass(slots=True)
class _Node:
    """What may follow after the same parts."""

    route: str | None = None
    """The route that ends here."""
    literals: dict[str, _Node] = field(default_factory=dict)
    patterns: dict[str, _Node] = field(default_factory=dict)

    def follow(self, part: str) -> _Node:
        """Return the node after a part, which is made if it is missing."""
        kind = self.patterns if ANY in part else self.literals
        if kind is self.patterns and part not in kind and len(kind) >= MOST_PATTERNS:
            return _Node()
        return kind.setdefault(part, _Node())

    def matching(self, text: str) -> Iterator[_Node]:
        """Yield the nodes after a part of a path, the literal one first."""
        if literal := self.literals.get(text):
            yield literal
        for part, node in self.patterns.items():
            if _is_match(part, text):
                yield node


class ApiRoutes:
    """The routes of one API."""

    def __init__(self, routes: Iterable[str]) -> None:
        self._known = set(routes)
        self._tree = _Node()
        for route in sorted(self._known):
            node = self._tree
            for part in PARAMETER.sub(ANY, route.rstrip("/")).split("/"):
                node = node.follow(part)
            node.route = node.route or route

    def find(self, name: str) -> str | None:
        """Return the route of a name such as `/products/?filter`, `/products/{id}` or `/products/17`.

        A slash at the end does not matter. The part after a `?` is ignored.
        """
        path = name.partition("?")[0]
        if path in self._known:
            return path
        nodes = [self._tree]
        for text in path.removesuffix("/").split("/"):
            nodes = [following for node in nodes for following in node.matching(text)][:MOST_CHOICES]
        return next((node.route for node in nodes if node.route), None)


def _is_match(part: str, text: str) -> bool:
    """Return whether a text has the characters around the parameters, and at least one for each of these."""
    first, *between, last = part.split(ANY)
    if not (text.startswith(first) and text.endswith(last)):
        return False
    end = len(first)
    for piece in between:
        begin = text.find(piece, end + 1)
        if begin < 0:
            return False
        end = begin + len(piece)
    return end < len(text) - len(last)

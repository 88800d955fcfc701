"""Keeps rows of each second in little space: a few bytes for a route in a second. Pure.

A slot takes half a kilobyte. With 500 names, those of ten minutes would need more than a hundred megabytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import msgpack

from stampede.counting.names import Route


class PackedSeconds:
    """Rows by their second. Each row has a route, and numbers or bytes."""

    def __init__(self) -> None:
        self._seconds: dict[int, list[bytes]] = {}
        self._routes: list[Route] = []
        self._numbers: dict[Route, int] = {}

    def add(self, second: int, rows: Iterable[tuple[Route, Any]]) -> None:
        """Add rows of a second."""
        packed = msgpack.encode([(self._number(route), row) for route, row in rows])
        self._seconds.setdefault(second, []).append(packed)

    def _number(self, route: Route) -> int:
        if route not in self._numbers:
            self._numbers[route] = len(self._routes)
            self._routes.append(route)
        return self._numbers[route]

    def rows(self, second: int) -> Iterator[tuple[Route, Any]]:
        """Yield the rows of a second."""
        for packed in self._seconds.get(second, ()):
            for number, row in msgpack.decode(packed):
                yield self._routes[number], row

    @property
    def seconds(self) -> Iterable[int]:
        """Return the seconds that have rows."""
        return self._seconds

    def pop(self, second: int) -> None:
        """Forget the rows of a second."""
        self._seconds.pop(second, None)

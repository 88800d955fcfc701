"""Slots: the requests of one route in one second, as they are counted."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from stampede.counting.buckets import bucket_of
from stampede.counting.names import Route
from stampede.counting.request import Request

Row = tuple[int, int, bytes, bytes, bytes, bytes, int]
"""The content of a slot: requests, failures, times, times from the start, lateness, times of failed requests,
and requests without an answer."""


class Slot:
    """The requests of one route in one second. A time takes two bytes: the number of its bucket."""

    __slots__ = ("failed", "failures", "from_start", "late", "requests", "times", "unanswered")

    def __init__(self) -> None:
        self.requests = self.failures = self.unanswered = 0
        self.times, self.from_start, self.late, self.failed = (array("H") for _ in range(4))

    def count(self, request: Request) -> None:
        """Count a request. One whose time cannot be read is a request all the same."""
        self.requests += 1
        milliseconds = request.milliseconds
        if request.is_failed:
            self.failures += 1
            self.unanswered += not request.is_answered
            if milliseconds is not None:
                self.failed.append(bucket_of(milliseconds))
        if milliseconds is None:
            return
        if request.is_answered:
            self.times.append(bucket_of(milliseconds))
        if request.is_paced:
            self._count_start(request, milliseconds)

    def _count_start(self, request: Request, milliseconds: float) -> None:
        """Count when a request of a paced user was sent, compared to when it was due."""
        late = (request.sent - request.due) * 1000 if request.due else 0.0
        if request.is_answered:
            self.from_start.append(bucket_of(milliseconds + late if late > 0 else milliseconds))
        if request.due:
            self.late.append(bucket_of(late))

    def add_row(self, row: Row) -> None:
        """Add the content of another slot."""
        requests, failures, times, from_start, late, failed, unanswered = row
        self.requests += requests
        self.failures += failures
        self.unanswered += unanswered
        self.times.frombytes(times)
        self.from_start.frombytes(from_start)
        self.late.frombytes(late)
        self.failed.frombytes(failed)

    @property
    def row(self) -> Row:
        """Return the content in the form that `add_row` takes."""
        return (
            self.requests,
            self.failures,
            self.times.tobytes(),
            self.from_start.tobytes(),
            self.late.tobytes(),
            self.failed.tobytes(),
            self.unanswered,
        )


class Second(dict[Route, Slot]):
    """The slots of one second by their route; a slot that is missing is made."""

    __slots__ = ("_routes",)

    def __init__(self, routes: set[Route]) -> None:
        self._routes = routes

    def __missing__(self, route: Route) -> Slot:
        self._routes.add(route)
        slot = self[route] = Slot()
        return slot


class Seconds(dict[int, Second]):
    """The slots of all routes, by second; a second that is missing is made. `routes` collects the routes."""

    def __init__(self, routes: set[Route]) -> None:
        self._routes = routes

    def __missing__(self, second: int) -> Second:
        made = self[second] = Second(self._routes)
        return made

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows of a report: the second, the method, the name, and the slot's content."""
        return [
            (second, method, name, *slot.row)
            for second, slots in self.items()
            for (method, name), slot in slots.items()
        ]


NOTHING: Mapping[Route, Slot] = {}

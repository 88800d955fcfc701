"""Slots: the requests of one route in one second, as they are counted."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

from stampede.counting import readable
from stampede.counting.buckets import bucket_of
from stampede.counting.names import Route

Row = tuple[int, int, bytes, bytes, bytes, bytes, int]
"""The content of a slot: requests, failures, times, times from the start, lateness, times of failed requests,
and requests without an answer."""


class Slot:
    """The requests of one route in one second. A time takes two bytes: the number of its bucket."""

    __slots__ = ("failed", "failures", "from_start", "late", "requests", "times", "unanswered")

    def __init__(self) -> None:
        self.requests = self.failures = self.unanswered = 0
        self.times, self.from_start, self.late, self.failed = (array("H") for _ in range(4))

    def count_failure(self, response: object, response_time: float | None) -> bool:
        """Count a failed request with its response. Returns whether it was answered."""
        self.failures += 1
        if response_time is not None:
            self.failed.append(bucket_of(response_time))
        is_answered = readable.has_status(response)
        self.unanswered += not is_answered
        return is_answered

    def count_start(self, due: float | None, sent: float, response_time: float, is_answered: bool) -> None:
        """Count when a request of a paced user was sent, compared to when it was due."""
        late = (sent - due) * 1000 if due else 0.0
        if is_answered:
            self.from_start.append(bucket_of(response_time + late if late > 0 else response_time))
        if due:
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

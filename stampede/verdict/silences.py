"""When the target did not answer for a while: from the seconds of a run. Pure.

A second is silent if users were running, no request was answered in it, and a request was waiting in it or
failed in it without an answer. A second in which no user sends anything is not silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

from stampede.facts.event import Event
from stampede.facts.figures import Second

EVENT = "target_silent"
"""The event of a silence: `at` is its first second, `until` the second after its last one."""

SHORTEST = 3
"""Silent seconds in a row from which they are a silence."""

SHORTEST_SO_FAR = 5
"""The same for the newest seconds of a run in progress: the last two may not be counted yet."""


def is_silence(event: Event) -> bool:
    """Return whether an event is one of a silence, with its facts."""
    return event.name == EVENT and all(
        isinstance(event.facts.get(fact), int) for fact in ("until", "seconds")
    )


class Silences:
    """The silences of a run, found in its seconds from the first to the last."""

    def __init__(self) -> None:
        self._start: int | None = None
        """The first second of the silence that goes on."""

    def add(self, rows: Sequence[Second], later: Sequence[Second] = ()) -> Iterator[Event]:
        """Yield an event for each silence that ends in the next seconds; `later` are those after them."""
        waiting = _seconds_of_waiting([*rows, *later])
        for row in rows:
            is_silent = _is_unanswered(row) and (row.second in waiting or row.unanswered > 0)
            if is_silent and self._start is None:
                self._start = row.second
            elif not is_silent and self._start is not None:
                yield from _silence(self._start, row.second)
                self._start = None

    def end(self, rows: Sequence[Second]) -> Iterator[Event]:
        """Yield an event for each silence that ends in the last seconds, or with them."""
        yield from self.add(rows)
        if self._start is not None and rows:
            yield from _silence(self._start, rows[-1].second + 1)
            self._start = None


def silences(rows: Sequence[Second]) -> Iterator[Event]:
    """Yield an event for each silence in the seconds of a run."""
    return Silences().end(rows)


def _silence(start: int, until: int) -> Iterator[Event]:
    if until - start >= SHORTEST:
        yield Event(name=EVENT, at=float(start), facts={"until": until, "seconds": until - start})


def _seconds_of_waiting(rows: Sequence[Second]) -> set[int]:
    """Return the seconds in which the slowest request of a later second was waiting."""
    return {
        second
        for row in rows
        if row.max_ms is not None
        for second in range(max(rows[0].second, floor(row.second - row.max_ms / 1000) + 1), row.second)
    }


def silent_so_far(rows: Sequence[Second]) -> int:
    """Return for how many seconds up to the newest one no request was answered; 0 if that is not long.

    Whether a request is waiting is not known before it is counted.
    """
    silent = 0
    for row in reversed(rows):
        if not _is_unanswered(row):
            break
        silent += 1
    return silent if silent >= SHORTEST_SO_FAR else 0


def _is_unanswered(row: Second) -> bool:
    return row.users > 0 and row.requests <= row.unanswered

"""Were the users there that were wanted? Second by second, as the master saw them. Pure.

When a worker comes or goes its users change places, and for a moment some are missing. That is what was
promised as long as it is over in time; whatever else keeps users away makes the load another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from stampede.facts.figures import Second
from stampede.facts.run import Facts
from stampede.facts.verdict import Check
from stampede.verdict.checks import not_asked, trusted
from stampede.verdict.moves import Move, moves

NAME = "users_kept"

Span = tuple[int, list[Second]]
"""So many users wanted, and the seconds in which they were."""


@dataclass(frozen=True, slots=True)
class Dip:
    """Seconds in a row in which there were others than the users wanted."""

    wanted: int
    rows: tuple[Second, ...]

    @property
    def in_words(self) -> str:
        """Return how many users there were, when and for how long."""
        worst = max((row.users for row in self.rows), key=lambda users: abs(users - self.wanted))
        at = datetime.fromtimestamp(self.rows[0].second, UTC)
        return f"{worst:,} of {self.wanted:,} users at {at:%H:%M:%S}, for {len(self.rows)} s"

    def excuses(self, events: Iterable[Move]) -> list[str]:
        """Return what has to do with it."""
        return [event.what for event in events if any(event.covers(row.second) for row in self.rows)]

    def is_excused(self, events: Iterable[Move]) -> bool:
        """Return whether each of its seconds is."""
        return all(any(event.covers(row.second) for event in events) for row in self.rows)


def users_kept(run: Facts) -> Check:
    """Return the check, from the `seconds`, the `window` and the `events` of a run."""
    spans: list[Span] = [
        (wanted, list(rows)) for wanted, rows in groupby(_judged(run), key=lambda row: row.target_users)
    ]
    if not spans:
        return not_asked(NAME, "not checked: the run was too short")
    for wanted, rows in _finished(spans, run):
        if all(row.users != wanted for row in rows):
            closest = min((row.users for row in rows), key=lambda users: abs(users - wanted))
            return trusted(NAME, False, f"there were never {wanted:,} users, but {closest:,}")
    most = max(wanted for wanted, _ in spans)
    dips = [dip for wanted, rows in spans for dip in _dips(wanted, rows)]
    return _explained(most, dips, list(moves(run.events)))


def _finished(spans: list[Span], run: Facts) -> list[Span]:
    """Those that had the time to have their users there."""
    if run.profile is None:  # who drives by hand may think of another number on the way to the first
        return spans[-1:]
    return (spans[:-1] if run.aborted else spans) or spans


def _explained(most: int, dips: list[Dip], excuses: list[Move]) -> Check:
    """Whether events say why others than the users wanted were there: `most` of them, at their highest."""
    if unexplained := [dip for dip in dips if not dip.is_excused(excuses)]:
        listed = _listed(dip.in_words for dip in unexplained)
        return trusted(NAME, False, f"{listed}: no event says why", count=len(unexplained))
    listed = _listed(f"{dip.in_words}: {', '.join(dip.excuses(excuses))}" for dip in dips)
    return trusted(NAME, True, f"{most:,} users; {listed}" if listed else f"{most:,} users", count=0)


def _listed(words: Iterable[str]) -> str:
    first, *rest = [*words] or [""]
    return f"{first}; and {len(rest)} more such" if rest else first


def _judged(run: Facts) -> list[Second]:
    """The seconds before that of the stop."""
    if run.window is None:
        return []
    return [row for row in run.seconds if row.second < run.window.end]


def _dips(wanted: int, span: list[Second]) -> Iterator[Dip]:
    """What came after they were there for the first time."""
    reached = next((index for index, row in enumerate(span) if row.users == wanted), len(span))
    for is_dip, rows in groupby(span[reached:], key=lambda row: row.users != wanted):
        if is_dip:
            yield Dip(wanted, tuple(rows))

"""Were the users there that were wanted? Second by second, as the master saw them. Pure.

When a worker comes or goes its users change places, and for a moment some are missing. That is what was
promised as long as it is over in time; whatever else keeps users away makes the load another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from stampede.check import Check, Facts, moment, not_asked, trusted

NAME = "users_kept"

AFTER_A_LOSS = 11.0
"""Seconds after the last report of a worker that died until all users are there: ten from its death, which
nobody saw, and the one until it would have reported again."""

AFTER_A_MOVE = 5.0
"""Seconds after a worker has come, gone or returned until all users are there."""

BEFORE_IT_LEFT = 5.0
"""Seconds that a worker which leaves may take to stop its users: it is gone when they are."""

Row = Mapping[str, Any]
"""A second of ``run.json``."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """An event that lets users be missing for a while. Times are seconds since the epoch."""

    what: str
    start: float
    end: float

    def covers(self, row: Row) -> bool:
        """Users are counted as a second begins; the event may be later in the one before."""
        return bool(int(self.start) <= row["second"] <= self.end)


@dataclass(frozen=True, slots=True)
class Dip:
    """Seconds in a row in which there were others than the users wanted."""

    wanted: int
    rows: tuple[Row, ...]

    @property
    def in_words(self) -> str:
        """How many there were, when and for how long."""
        worst = max((row["users"] for row in self.rows), key=lambda users: abs(users - self.wanted))
        at = datetime.fromtimestamp(self.rows[0]["second"], UTC)
        return f"{worst:,} of {self.wanted:,} users at {at:%H:%M:%S}, for {len(self.rows)} s"

    def excuses(self, events: Iterable[Excuse]) -> list[str]:
        """What has to do with it."""
        return [event.what for event in events if any(event.covers(row) for row in self.rows)]

    def is_excused(self, events: Iterable[Excuse]) -> bool:
        """Whether each of its seconds is."""
        return all(any(event.covers(row) for event in events) for row in self.rows)


def users_kept(run: Facts) -> Check:
    """The check, made from the `seconds`, the `window` and the `events` of ``run.json``."""
    spans = [
        (wanted, list(rows)) for wanted, rows in groupby(_judged(run), key=lambda row: row["target_users"])
    ]
    if not spans:
        return not_asked(NAME, "nobody has counted the users of whole seconds: a longer run would be asked")
    # Who drives by hand may think of another number on the way to the first.
    for wanted, rows in spans if run["profile"] is not None else spans[-1:]:
        if all(row["users"] != wanted for row in rows):
            closest = min((row["users"] for row in rows), key=lambda users: abs(users - wanted))
            return trusted(NAME, False, f"there were never {wanted:,} users, but {closest:,}")
    most = max(wanted for wanted, _ in spans)
    return _explained(
        most, [dip for wanted, rows in spans for dip in _dips(wanted, rows)], list(_excuses(run))
    )


def _explained(most: int, dips: list[Dip], excuses: list[Excuse]) -> Check:
    """Whether events say why others than the users wanted were there: `most` of them, at their highest."""
    if unexplained := [dip for dip in dips if not dip.is_excused(excuses)]:
        told = _listed(dip.in_words for dip in unexplained)
        return trusted(NAME, False, f"{told}: no event says why", count=len(unexplained))
    told = _listed(f"{dip.in_words}: {', '.join(dip.excuses(excuses))}" for dip in dips)
    return trusted(NAME, True, f"{most:,} users; {told}" if told else f"{most:,} users", count=0)


def _listed(words: Iterable[str]) -> str:
    first, *rest = [*words] or [""]
    return f"{first}; and {len(rest)} more such" if rest else first


def _judged(run: Facts) -> list[dict[str, Any]]:
    """The seconds before that of the stop, each with how many users were wanted."""
    window = run["window"] or {}
    if "end" not in window:
        return []
    rows = [row for row in run.get("seconds", []) if row["second"] < int(window["end"])]
    return [
        {"target_users": run["users"], **row}
        for row in rows
        if "target_users" in row or row["second"] >= window["start"]
    ]


def _dips(wanted: int, span: list[dict[str, Any]]) -> Iterator[Dip]:
    """What came after they were there for the first time."""
    reached = next((index for index, row in enumerate(span) if row["users"] == wanted), len(span))
    for is_dip, rows in groupby(span[reached:], key=lambda row: row["users"] != wanted):
        if is_dip:
            yield Dip(wanted, tuple(rows))


def _excuses(run: Facts) -> Iterator[Excuse]:
    for event in run.get("events", []):
        at = moment(event).timestamp()
        what = f"worker {event.get('worker')} {str(event['name']).removeprefix('worker_')}"
        match event["name"]:
            case "worker_lost":
                died = event.get("last_report") or at
                yield Excuse(what, died, max(died + AFTER_A_LOSS, at))
            case "worker_joined" | "worker_returned":
                yield Excuse(what, at, at + AFTER_A_MOVE)
            case "worker_left":
                yield Excuse(what, at - BEFORE_IT_LEFT, at + AFTER_A_MOVE)

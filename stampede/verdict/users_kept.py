"""VALID: did as many users run as the plan asks for, second by second on the master? Pure.

When a worker joins or leaves, users move, and some are missing for a moment. That is as promised if it ends
in time. A user that ends by itself (an exception, StopUser) is not missing either. If users are missing for
any other reason, the load is not the planned one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate, groupby

from msgspec.structs import replace

from stampede.facts.figures import Second
from stampede.facts.run_json import EndedUsers, Facts
from stampede.facts.verdict_json import Check
from stampede.verdict.checks import not_asked, unknown_unless
from stampede.verdict.moves import Move, moves, moving_seconds

NAME = "users_kept"

REPORT_DELAY = 3
"""Seconds after which users that were started are in the workers' reports."""

STOP_DELAY = 15
"""Seconds after which users that were to stop have stopped: they finish their requests first."""

Span = tuple[int, list[Second]]
"""A number of wanted users, and the seconds in which that many were wanted."""


class Ended:
    """The users that ended by themselves. A user that does is not missing: it ended, for a known cause."""

    def __init__(self, rows: Iterable[EndedUsers]) -> None:
        self._rows = sorted(rows, key=lambda row: row.second)
        self._seconds = [row.second for row in self._rows]
        self._up_to = [0, *accumulate(row.users for row in self._rows)]

    def explain(self, wanted: int, row: Second) -> bool:
        """Return whether as many users had ended by a second as are missing in it."""
        missing = wanted - row.users
        return 0 < missing <= self._up_to[bisect_right(self._seconds, row.second)]

    @property
    def in_words(self) -> str:
        """Return how many users ended, by cause; the most frequent cause comes first."""
        by_cause: Counter[str] = Counter()
        for each in self._rows:
            by_cause[each.cause] += each.users
        causes = ", ".join(f"{users:,} × {cause}" for cause, users in by_cause.most_common(3))
        more = f" and {len(by_cause) - 3} more causes" if len(by_cause) > 3 else ""
        kind = "exceptions" if any(" at " in cause for cause in by_cause) else "themselves"
        return f"{by_cause.total():,} ended by {kind}: {causes}{more}"


@dataclass(frozen=True, slots=True)
class Dip:
    """Seconds in a row in which the number of users was not the wanted one."""

    wanted: int
    rows: tuple[Second, ...]

    @property
    def in_words(self) -> str:
        """Return a description: how many users, when and for how long."""
        worst = max((row.users for row in self.rows), key=lambda users: abs(users - self.wanted))
        at = datetime.fromtimestamp(self.rows[0].second, UTC)
        seconds = sum(row.off_seconds or 1 for row in self.rows)
        return f"{worst:,} of {self.wanted:,} users at {at:%H:%M:%S}, for {seconds} s"

    def causes(self, user_moves: Iterable[Move]) -> list[str]:
        """Return the causes of the moves that overlap the dip."""
        return [move.what for move in user_moves if any(move.covers(row.second) for row in self.rows)]

    def is_explained(self, user_moves: Iterable[Move], ended: Ended) -> bool:
        """Return whether each second of the dip is covered by a move, or lacks only users that have ended.

        The dip of several seconds is not explained: `off_seconds` leaves out those that are.
        """
        return all(
            not row.off_seconds
            and (any(move.covers(row.second) for move in user_moves) or ended.explain(self.wanted, row))
            for row in self.rows
        )


def users_kept(run: Facts) -> Check:
    """Return the check, from the `seconds`, the `window` and the `events` of a run."""
    spans: list[Span] = [
        (wanted, list(rows)) for wanted, rows in groupby(_before_stop(run), key=lambda row: row.target_users)
    ]
    if not spans:
        return not_asked(NAME, "not checked: the run was too short")
    ended = Ended(run.ended_users)
    if run.shape:
        return _as_shaped(run, ended)
    for wanted, rows in _spans_with_time(spans, run):
        if all(row.users != wanted and not ended.explain(wanted, row) for row in rows):
            closest = min((row.users for row in rows), key=lambda users: abs(users - wanted))
            return unknown_unless(
                NAME, False, f"at most {closest:,} of {wanted:,} users ran at the same time"
            )
    most = max(wanted for wanted, _ in spans)
    dips = [dip for wanted, rows in spans for dip in _dips(wanted, rows)]
    check = _explained(most, dips, list(moves(run.events)), ended)
    return replace(check, detail=f"{check.detail}; {ended.in_words}") if run.ended_users else check


def _as_shaped(run: Facts, ended: Ended) -> Check:
    """Return the check of a run whose users were set by the locustfile's shape, second by second.

    The number of users may be what the shape and its spawn rate allowed in the last seconds: workers report
    once a second, and a user that is to stop finishes its task first. A user that a worker is still starting
    is not missing.
    """
    rows = [row for row in _before_stop(run) if run.window and row.second >= run.window.start]
    if not rows:
        return not_asked(NAME, "not checked: the run was too short")
    moving = moving_seconds(run.events)
    older = sum(row.second < run.merged_until for row in rows)
    off = [
        Dip(row.planned_users, (row,))
        for index, row in enumerate(rows)
        if (row.off_seconds if older and index < older + STOP_DELAY else is_off(rows, index, moving, ended))
    ]
    fewest, most = min(row.planned_users for row in rows), max(row.planned_users for row in rows)
    detail = f"{fewest:,} to {most:,} users, as the shape {run.shape} and its spawn rate allow"
    if off:
        return unknown_unless(
            NAME, False, f"{_listed(dip.in_words for dip in off)}: no event explains it", count=len(off)
        )
    if starting := max(row.starting_users for row in rows[REPORT_DELAY:] or rows):
        detail += f"; workers took time to start up to {starting:,} of them"
    detail += f"; {ended.in_words}" if run.ended_users else ""
    return unknown_unless(NAME, True, detail, count=0)


def is_off(rows: Sequence[Second], index: int, moving: Set[int], ended: Ended) -> bool:
    """Return whether the users in a second are neither planned by the shape, nor explained."""
    row, recent = rows[index], rows[max(0, index - STOP_DELAY) : index + 1]
    return not _is_allowed(row, recent, ended) and row.second not in moving


def _is_allowed(row: Second, recent: Sequence[Second], ended: Ended) -> bool:
    """Return whether a second has as many users as were planned in the recent seconds, itself included.

    Before the first of them none were planned.
    """
    of_reports = recent[-REPORT_DELAY - 1 :]
    started = (each.planned_users - each.starting_users for each in of_reports)
    fewest = min(started) if len(of_reports) > REPORT_DELAY else 0
    most = max(each.planned_users for each in recent)
    return row.users <= most and (row.users >= fewest or ended.explain(fewest, row))


def _spans_with_time(spans: list[Span], run: Facts) -> list[Span]:
    """Return the spans that had enough time for all their users to start."""
    if run.profile is None:  # by hand: the user of the UI may ask for another number during a ramp
        return spans[-1:]
    return (spans[:-1] if run.aborted else spans) or spans


def _explained(most: int, dips: list[Dip], user_moves: list[Move], ended: Ended) -> Check:
    """Return the check of whether moves and ended users explain all dips.

    `most` is the highest number of wanted users.
    """
    if unexplained := [dip for dip in dips if not dip.is_explained(user_moves, ended)]:
        listed = _listed(dip.in_words for dip in unexplained)
        return unknown_unless(NAME, False, f"{listed}: no event explains it", count=len(unexplained))
    moved = [(dip, dip.causes(user_moves)) for dip in dips]
    listed = _listed(f"{dip.in_words}: {', '.join(causes)}" for dip, causes in moved if causes)
    return unknown_unless(NAME, True, f"{most:,} users; {listed}" if listed else f"{most:,} users", count=0)


def _listed(descriptions: Iterable[str]) -> str:
    first, *rest = [*descriptions] or [""]
    return f"{first}; and {len(rest)} more" if rest else first


def _before_stop(run: Facts) -> list[Second]:
    """Return the seconds before the end of the window; none where the run has no window."""
    if run.window is None:
        return []
    return [row for row in run.seconds if row.second < run.window.end]


def _dips(wanted: int, span: list[Second]) -> Iterator[Dip]:
    """Yield the dips in a span, after all its users ran for the first time."""
    # Where users are missing in merged seconds, all of them ran before.
    reached = next(
        (index for index, row in enumerate(span) if row.users == wanted or row.off_seconds), len(span)
    )
    for is_dip, rows in groupby(span[reached:], key=partial(_is_dip, wanted)):
        if is_dip:
            yield Dip(wanted, tuple(rows))


def _is_dip(wanted: int, row: Second) -> bool:
    return row.off_seconds > 0 if row.seconds > 1 else row.users != wanted

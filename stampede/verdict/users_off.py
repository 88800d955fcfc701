"""Judges the users of a run second by second, for its older seconds: stampede/verdict/users_kept.py. Pure.

Older seconds are merged (stampede/counting/steps.py). Whether the number of users was the wanted one in each
of them is decided before.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from stampede.facts.figures import Second
from stampede.verdict.users_kept import STOP_DELAY, Ended, is_off


class UsersOff:
    """Finds the seconds in which the number of users was not the wanted one, and nothing explains it."""

    def __init__(self, is_shaped: bool) -> None:
        """`is_shaped` is whether a shape of the locustfile sets the number of users."""
        self._is_shaped = is_shaped
        self._recent: list[Second] = []
        self._wanted = -1
        self._is_reached = False
        """Whether all wanted users were running once. Before that they are still starting."""

    def add(self, rows: Sequence[Second], moving: Set[int], ended: Ended) -> list[int]:
        """Return those of the next seconds; users moved in the seconds `moving`."""
        is_off = self._is_off_shape if self._is_shaped else self._is_off_plan
        return [row.second for row in rows if is_off(row, moving, ended)]

    def _is_off_shape(self, row: Second, moving: Set[int], ended: Ended) -> bool:
        self._recent = [*self._recent[-STOP_DELAY:], row]
        return is_off(self._recent, len(self._recent) - 1, moving, ended)

    def _is_off_plan(self, row: Second, moving: Set[int], ended: Ended) -> bool:
        if row.target_users != self._wanted:
            self._wanted, self._is_reached = row.target_users, False
        self._is_reached |= row.users == self._wanted
        is_missing = self._is_reached and row.users != self._wanted
        return is_missing and row.second not in moving and not ended.explain(self._wanted, row)

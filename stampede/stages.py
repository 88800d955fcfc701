"""What each stage of a run was like, when its users were there and what they met had settled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locust.env import Environment

from stampede import figures
from stampede.figures import Look, Route
from stampede.outcomes import Outcomes, Tally

SETTLE = 5.0
"""Seconds from when all users of a stage are there until its figures begin."""


SHORTEST = 2.0
"""Seconds of figures that say something."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was counted until then; `at` is seconds since the epoch."""

    at: float
    routes: Mapping[Route, Look]
    tally: Tally


class Stages:
    """Those of one run."""

    def __init__(self, environment: Environment, outcomes: Outcomes) -> None:
        self._environment = environment
        self._outcomes = outcomes
        self._users = 0
        self._reached: float | None = None
        self._settled: Moment | None = None
        self.rows: list[dict[str, Any]] = []
        """``{"users", "seconds", "rps", "goodput", "refused", "requests", "avg_ms", "p50_ms", …}`` of each
        that was long enough: goodput is what was served a second, refused what got a 503,
        refused_late what got it after more than a second."""

    def begin(self, users: int) -> None:
        """The ramp to so many users begins."""
        self._users, self._reached, self._settled = users, None, None

    def look(self) -> None:
        """Are they there? To be called again and again."""
        now = time.time()
        if self._reached is None and self._environment.runner.user_count == self._users:
            self._reached = now
        if self._reached and not self._settled and now - self._reached >= SETTLE:
            self._settled = self._moment()

    def end(self) -> None:
        """The stage is over."""
        if self._settled and time.time() - self._settled.at >= SHORTEST:
            self.rows.append({"users": self._users, **_row(self._settled, self._moment())})
        self._settled = None

    def _moment(self) -> Moment:
        return Moment(time.time(), figures.look(self._environment.stats), self._outcomes.tally())


def _row(settled: Moment, end: Moment) -> dict[str, Any]:
    seconds = end.at - settled.at
    counts = sum(figures.since(end.routes, settled.routes).values(), Look())
    return {
        "seconds": round(seconds, 1),
        "rps": round(counts.requests / seconds, 1),
        "goodput": round((end.tally.served - settled.tally.served) / seconds, 1),
        "refused": end.tally.refused - settled.tally.refused,
        "refused_late": end.tally.refused_late - settled.tally.refused_late,
        **counts.figures(),
    }

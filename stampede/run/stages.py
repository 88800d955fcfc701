"""The figures of each stage of a run, from when all its users are running and load has settled."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain
from math import ceil
from statistics import fmean
from typing import NamedTuple

from locust.env import Environment
from msgspec.structs import asdict

from stampede.counting.counts import Counts
from stampede.counting.figures import figures, whole_seconds
from stampede.facts.event import Event
from stampede.facts.figures import StageFigures
from stampede.facts.samples import ProcessSample
from stampede.verdict.moves import without_moves

SETTLE = 5.0
"""Seconds from when all users of a stage are running until its figures begin."""

SHORTEST = 2
"""Least seconds that figures are made of."""


class Stage(NamedTuple):
    """A stage that has settled, in the seconds [start, end)."""

    users: int
    start: int
    end: int


class Stages:
    """The stages of one run."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._users = 0
        self._reached: float | None = None
        self._stages: list[Stage] = []

    def begin(self, users: int) -> None:
        """Begin a stage, with the ramp to so many users."""
        self._users, self._reached = users, None

    def check_users(self) -> None:
        """Note the time when all users of the stage are running; call it repeatedly during the stage."""
        if self._reached is None and self._environment.runner.user_count == self._users:
            self._reached = time.time()

    def end(self) -> None:
        """End the stage."""
        if self._reached is not None:
            self._stages.append(Stage(self._users, *whole_seconds(self._reached + SETTLE, time.time())))
            self._reached = None

    def stage_of(self, second: int) -> int | None:
        """Return the number of the stage whose figures a second is part of; None where it is of none."""
        for number, stage in enumerate(self._stages):
            if stage.start <= second < stage.end:
                return number
        is_in_progress = self._reached is not None and second >= ceil(self._reached + SETTLE)
        return len(self._stages) if is_in_progress else None

    def rows(
        self, counts: Counts, workers: Mapping[str, Sequence[ProcessSample]], events: Iterable[Event]
    ) -> list[StageFigures]:
        """Return the figures of each stage that was long enough; call it after the last reports.

        `workers` holds the samples of each worker, by its label. Seconds in which workers joined or left, by
        the `events` of the run, are left out.
        """
        kept = ((stage.users, without_moves(range(stage.start, stage.end), events)) for stage in self._stages)
        return [_row(users, seconds, counts, workers) for users, seconds in kept if len(seconds) >= SHORTEST]


def _row(
    users: int, seconds: Sequence[int], counts: Counts, workers: Mapping[str, Sequence[ProcessSample]]
) -> StageFigures:
    stage_figures = figures(counts.latencies.sum(seconds))
    tally = counts.outcomes.tally(seconds)
    return StageFigures(
        users=users,
        seconds=len(seconds),
        rps=round(stage_figures.requests / len(seconds), 1),
        goodput=round(tally.served / len(seconds), 1),
        refused=tally.refused,
        refused_late=tally.refused_late,
        same_work_ms=_same_work({*seconds}, workers),
        **asdict(stage_figures),
    )


def _same_work(seconds: Set[int], workers: Mapping[str, Sequence[ProcessSample]]) -> float | None:
    times = [
        row.same_work_ms
        for row in chain.from_iterable(workers.values())
        if row.second in seconds and row.same_work_ms is not None
    ]
    return round(fmean(times), 4) if times else None

"""What each stage of a run was like, when its users were there and what they met had settled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from locust.env import Environment
from msgspec.structs import asdict

from stampede.counting.counts import Counts
from stampede.counting.figures import figures, whole_seconds
from stampede.facts.figures import StageFigures
from stampede.facts.samples import ProcessSample

SETTLE = 5.0
"""Seconds from when all users of a stage are there until its figures begin."""

SHORTEST = 2
"""Seconds of figures that say something."""


class Stage(NamedTuple):
    """So many users, settled, in the seconds [start, end)."""

    users: int
    start: int
    end: int


class Stages:
    """Those of one run."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._users = 0
        self._reached: float | None = None
        self._stages: list[Stage] = []

    def begin(self, users: int) -> None:
        """The ramp to so many users begins."""
        self._users, self._reached = users, None

    def look(self) -> None:
        """Are they there? To be called again and again."""
        if self._reached is None and self._environment.runner.user_count == self._users:
            self._reached = time.time()

    def end(self) -> None:
        """The stage is over."""
        if self._reached is not None:
            self._stages.append(Stage(self._users, *whole_seconds(self._reached + SETTLE, time.time())))

    def rows(self, counts: Counts, workers: Mapping[str, Sequence[ProcessSample]]) -> list[StageFigures]:
        """Return the figures of each stage that was long enough, when all has been reported. `workers` are
        the samples of each worker, by its label."""
        return [_row(stage, counts, workers) for stage in self._stages if stage.end - stage.start >= SHORTEST]


def _row(stage: Stage, counts: Counts, workers: Mapping[str, Sequence[ProcessSample]]) -> StageFigures:
    seconds = stage.end - stage.start
    found = figures(counts.latencies, stage.start, stage.end)
    tally = counts.outcomes.tally(stage.start, stage.end)
    return StageFigures(
        users=stage.users,
        seconds=seconds,
        rps=round(found.requests / seconds, 1),
        goodput=round(tally.served / seconds, 1),
        refused=tally.refused,
        refused_late=tally.refused_late,
        same_work_ms=_same_work(stage, workers),
        **asdict(found),
    )


def _same_work(stage: Stage, workers: Mapping[str, Sequence[ProcessSample]]) -> float | None:
    took = [
        row.same_work_ms
        for row in chain.from_iterable(workers.values())
        if stage.start <= row.second < stage.end and row.same_work_ms is not None
    ]
    return round(fmean(took), 4) if took else None

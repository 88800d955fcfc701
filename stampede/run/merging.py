"""Merges the older seconds of the run in progress, so that a long run needs no more memory than a short one.

What a second is used for is decided when it is merged: stampede/counting/steps.py. What is judged second by
second is judged before: silences, missing users, missing samples, targets over so many seconds in a row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from itertools import chain
from math import ceil
from typing import NamedTuple

import gevent
from gevent import Greenlet

from stampede.counting.counts import Counts
from stampede.counting.latency import MAX_DRAIN
from stampede.counting.steps import CHUNK
from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.run.observers import Observers
from stampede.run.run import Run
from stampede.run.stages import Stages
from stampede.targets import spans
from stampede.targets.evidence import Evidence
from stampede.verdict.kept_up import is_unsampled, seconds_without_reports
from stampede.verdict.moves import moving_seconds
from stampede.verdict.requests_counted import unseen_seconds
from stampede.verdict.silences import Silences
from stampede.verdict.users_kept import STOP_DELAY, Ended
from stampede.verdict.users_off import UsersOff

OPEN = 30
"""Newest seconds that are not packed: they are read and added to all the time."""


class Use(NamedTuple):
    """What a second is used for. Seconds with different uses are not added up."""

    in_window: bool
    is_moving: bool
    """Whether users moved between workers: FAST and VALID leave it out."""
    is_unseen: bool
    """Whether an API process may have answered requests that it never reported."""
    is_excused: bool
    """Whether a worker had died, and its reports were missing."""
    stage: int | None
    """The stage whose figures it is part of."""
    wanted: int | None
    """How many users the plan asked for; None where a shape or the UI's form sets them."""


class Merging:
    """Merges the older seconds of one run."""

    def __init__(
        self, run: Run, counts: Counts, observers: Observers, stages: Stages, evidence: Evidence
    ) -> None:
        self._run = run
        self._counts = counts
        self._observers = observers
        self._stages = stages
        self._evidence = evidence
        self.older_spans = spans.Older(run.stated_targets)
        self._silences = Silences()
        self._rows: list[Second] = []
        """Rows of the seconds that are merged next: what was silent is seen by later answers."""
        is_shaped = bool(run.plan and run.plan.shape)
        self._users_off = UsersOff(is_shaped)
        self._judged_until = 0
        """The users of the seconds before this one are judged."""
        self._greenlet: Greenlet[..., None] | None = None

    def start(self) -> None:
        """Merge seconds from now on, while users are running."""
        self._greenlet = gevent.spawn(self._keep_merging)

    def stop(self) -> None:
        """Merge nothing more: the users are about to stop."""
        if self._greenlet:
            self._greenlet.kill()

    def _keep_merging(self) -> None:
        while True:
            gevent.sleep(CHUNK)
            self.merge(int(time.time()))

    def merge(self, now: int) -> None:
        """Merge the seconds that are old enough, in seconds since the epoch."""
        self._counts.pack(now - OPEN)
        for chunk in self._counts.steps.due(self._observers.timeline.begin, now):
            self._merge(chunk)
            _let_others_run()

    def _merge(self, chunk: range) -> None:
        self._add_to_spans(chunk)  # first: it is interrupted by reports, and by the end of the run
        self._run.events += self._find_silences(chunk)
        use = self._use()
        self._judge_users(chunk)
        self._judge_samples(chunk)
        self._counts.steps.merge(chunk, use)
        self._observers.timeline.merged()

    def _add_to_spans(self, chunk: range) -> None:
        use = self._use()
        counted = [second for second in chunk if use(second).in_window and not use(second).is_moving]
        self.older_spans.add(self._evidence, counted, _let_others_run)

    def _find_silences(self, chunk: range) -> Sequence[Event]:
        start = self._rows[-1].second + 1 if self._rows else chunk.start
        self._rows += self._observers.timeline.recent(start, chunk.stop + MAX_DRAIN)
        rows, self._rows = self._rows[: len(chunk)], self._rows[len(chunk) :]
        return [*self._silences.add(rows, self._rows)]

    def last_silences(self, rows: Sequence[Second]) -> list[Event]:
        """Return the silences among the seconds that are not merged, from the rows of the whole run."""
        return [*self._silences.end([row for row in rows if row.second >= self._counts.steps.end])]

    def _judge_users(self, chunk: range) -> None:
        """Judge the users of a chunk, and of the next seconds: their judgement needs those before them."""
        start = max(self._judged_until, chunk.start)
        if self._run.plan and self._run.plan.shape:  # its window opens with the first user
            start = max(start, self._window_start or chunk.stop + STOP_DELAY)
        rows = self._observers.timeline.users(start, chunk.stop + STOP_DELAY)
        ended = Ended(self._counts.ended_users.facts())
        moving = moving_seconds(self._run.events)
        self._observers.timeline.off.update(self._users_off.add(rows, moving, ended))
        self._judged_until = chunk.stop + STOP_DELAY

    def _judge_samples(self, chunk: range) -> None:
        timeline, reporting = self._observers.timeline, self._observers.reporting()
        moving: Set[int] = moving_seconds(self._run.events)
        rows = timeline.users(chunk.start, chunk.stop) if reporting else []
        timeline.unsampled.update(row.second for row in rows if is_unsampled(row, reporting, moving))

    @property
    def _window_start(self) -> int | None:
        return None if self._run.window_start is None else ceil(self._run.window_start)

    def _use(self) -> Callable[[int], Use]:
        """Return a function that returns what a second is used for."""
        run, start = self._run, self._window_start
        moving, excused = moving_seconds(run.events), seconds_without_reports(run.events)
        unseen = unseen_seconds(chain(run.events, self._observers.silent_addresses()))
        is_planned = bool(run.plan and not run.plan.shape)
        wanted = self._observers.timeline.wanted if is_planned else lambda _second: None

        def use(second: int) -> Use:
            return Use(
                in_window=start is not None and second >= start,
                is_moving=second in moving,
                is_unseen=second in unseen,
                is_excused=second in excused,
                stage=None if second in moving else self._stages.stage_of(second),
                wanted=wanted(second),
            )

        return use


def _let_others_run() -> None:
    gevent.sleep(0)  # reports and heartbeats of workers go first

"""Targets that end a run: checked once a second while all users are running."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from math import ceil

import gevent
from gevent import Greenlet

from stampede.facts.target import Reading, Target
from stampede.targets.evidence import Counted, Evidence, Fetch
from stampede.targets.measuring import evaluate, worst

INTERVAL = 1.0
"""Seconds between two checks."""

REPORT_DELAY = 3.0
"""Seconds after which all connected workers have reported what they counted."""

SHORTEST_WINDOW = 10
"""Least seconds of the window before a target over all of it may end the run."""


class Abort:
    """The targets of one run that may end it.

    A target is measured over its own last seconds (`for 10s`), or else over the window so far.
    """

    def __init__(self, targets: Iterable[Target], evidence: Evidence) -> None:
        self._targets = [target for target in targets if target.abort]
        self._evidence = evidence
        self._totals: dict[tuple[Target, str], tuple[int, Counted]] = {}
        self._watcher: Greenlet[..., None] | None = None
        self.exceeded: tuple[Target, Reading] | None = None
        """The target that passed its limit, and what was measured then."""

    def watch(self, end_run: Callable[[Target, Reading], None]) -> None:
        """Check the targets from now on, as the window opens; call `end_run` at most once."""
        if self._targets:
            self._watcher = gevent.spawn(self._watch, ceil(time.time()), end_run)

    def stop(self) -> None:
        """Stop checking."""
        if self._watcher:
            self._watcher.kill()

    def _watch(self, start: int, end_run: Callable[[Target, Reading], None]) -> None:
        while self.exceeded is None:
            gevent.sleep(INTERVAL)
            self.exceeded = self.first_exceeded(start, int(time.time() - REPORT_DELAY))
        end_run(*self.exceeded)

    def first_exceeded(self, start: int, end: int) -> tuple[Target, Reading] | None:
        """Return the first target that is beyond its limit in the seconds [start, end), and its reading."""
        for target in self._targets:
            if end - start >= (target.seconds or SHORTEST_WINDOW):
                reading = self._read(target, start, end)
                if reading and reading.actual is not None and not target.is_met_by(reading.actual):
                    return target, reading
        return None

    def _read(self, target: Target, start: int, end: int) -> Reading | None:
        length = target.seconds or end - start
        readings = {
            name: evaluate(target, self._count(target, name, fetch, start, end), length)
            for name, fetch in self._evidence.sources(target).items()
        }
        return worst(target, readings) if readings else None

    def _count(self, target: Target, name: str, fetch: Fetch, start: int, end: int) -> Counted:
        if target.seconds:
            return fetch(end - target.seconds, end)
        counted_until, total = self._totals.get((target, name), (start, Counter()))
        total += fetch(counted_until, end)
        self._totals[target, name] = end, total
        return total

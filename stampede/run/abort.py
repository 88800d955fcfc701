"""Targets that end a run: checked once a second while all users are running."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from math import ceil

import gevent
from gevent import Greenlet

from stampede.facts.target import Reading, Target
from stampede.targets.evaluating import evaluate
from stampede.targets.evidence import Counted, Evidence
from stampede.targets.measuring import worst

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
        self._totals: dict[Target, tuple[int, defaultdict[str, Counted]]] = {}
        """For each target: until which second it is counted, and the counts of each source."""
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
        names = self._evidence.sources(target)
        counts = self._counts(target, start, end)
        length = target.seconds or end - start
        readings = {name: evaluate(target, counts.get(name, Counter()), length) for name in names}
        return worst(target, readings) if readings else None

    def _counts(self, target: Target, start: int, end: int) -> Mapping[str, Counted]:
        """Return the counts of the target's own last seconds, or of all seconds so far.

        Of all seconds, only the new ones are counted.
        """
        if target.seconds:
            return self._evidence.counts(target, range(end - target.seconds, end))
        counted_until, totals = self._totals.setdefault(target, (start, defaultdict(Counter)))
        for name, counts in self._evidence.counts(target, range(counted_until, end)).items():
            totals[name].update(counts)
        self._totals[target] = end, totals
        return totals

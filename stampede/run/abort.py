"""Targets that end a run: checked once a second while all users are running."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import ceil

import gevent
from gevent import Greenlet

from stampede.facts.target import Reading, Target
from stampede.targets.evaluating import evaluate
from stampede.targets.evidence import Counted, Evidence, Fetch
from stampede.targets.measuring import worst
from stampede.targets.spans import NOTHING, Newest

INTERVAL = 1.0
"""Seconds between two checks."""

REPORT_DELAY = 3.0
"""Seconds after which all connected workers have reported what they counted."""

COUNTED_AGAIN = 60
"""Most seconds of a target that are counted again for each check: with reports that came late."""

SHORTEST_WINDOW = 10
"""Least seconds of the window before a target over all of it may end the run."""


class Abort:
    """The targets of one run that may end it.

    A target is measured over its own last seconds (`for 10s`), or else over the window so far.
    """

    def __init__(self, targets: Iterable[Target], evidence: Evidence) -> None:
        self._targets = [target for target in targets if target.abort]
        self._evidence = evidence
        self._newest: dict[Target, _Newest] = {}
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

        Of many seconds, only the new ones are counted.
        """
        fetch = self._evidence.fetch(target)
        if target.seconds and target.seconds <= COUNTED_AGAIN:
            return fetch(range(end - target.seconds, end))
        newest = self._newest.setdefault(target, _Newest(target.seconds, start))
        newest.add(fetch, end)
        return newest.counts


class _Newest:
    """The counts of a target's sources in so many of the newest seconds, or in all seconds."""

    def __init__(self, length: int | None, start: int) -> None:
        self._length = length
        self._counted_until = start
        self._totals: defaultdict[str, Counted] = defaultdict(Counter)
        self._spans: defaultdict[str, Newest] = defaultdict(partial(Newest, length or 1))

    def add(self, fetch: Fetch, end: int) -> None:
        """Count the seconds before `end` that are not counted yet."""
        if self._length is None:
            for name, counts in fetch(range(self._counted_until, end)).items():
                self._totals[name].update(counts)
        else:
            for second in range(self._counted_until, end):
                self._add_second(second, fetch([second]))
        self._counted_until = end

    def _add_second(self, second: int, counts: Mapping[str, Counted]) -> None:
        for name in {*counts, *self._spans}:
            self._spans[name].add(second, counts.get(name, NOTHING))

    @property
    def counts(self) -> Mapping[str, Counted]:
        """Return the counts of each source."""
        if self._length is None:
            return self._totals
        return {name: span.counts for name, span in self._spans.items()}

"""Targets that end a run: looked at once a second while it goes on, when all its users are there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from math import ceil

import gevent
from gevent import Greenlet

from stampede.facts.target import Reading, Target
from stampede.targets.evidence import Evidence, Fetch, Found
from stampede.targets.measuring import read, worst

INTERVAL = 1.0
"""Seconds from one look to the next."""

SETTLED = 3.0
"""Seconds after which all workers that are there have reported what they counted."""

LEAST = 10
"""Seconds of the window that are looked at before a target over all of it is taken to be beyond its limit."""


class Abort:
    """The targets of one run that may end it: over their own last seconds, or over the window so far."""

    def __init__(self, targets: Iterable[Target], evidence: Evidence) -> None:
        self._targets = [target for target in targets if target.abort]
        self._evidence = evidence
        self._so_far: dict[tuple[Target, str], tuple[int, Found]] = {}
        self._watching: Greenlet[..., None] | None = None
        self.beyond: tuple[Target, Reading] | None = None
        """What was beyond its limit, and what was measured then."""

    def watch(self, end_run: Callable[[Target, Reading], None]) -> None:
        """The window opens now. `end_run` is called at most once."""
        if self._targets:
            self._watching = gevent.spawn(self._watch, ceil(time.time()), end_run)

    def stop(self) -> None:
        """The run is over."""
        if self._watching:
            self._watching.kill()

    def _watch(self, start: int, end_run: Callable[[Target, Reading], None]) -> None:
        while self.beyond is None:
            gevent.sleep(INTERVAL)
            self.beyond = self.look(start, int(time.time() - SETTLED))
        end_run(*self.beyond)

    def look(self, start: int, end: int) -> tuple[Target, Reading] | None:
        """The first target that is beyond its limit by what was counted in the seconds [start, end)."""
        for target in self._targets:
            if end - start >= (target.seconds or LEAST):
                reading = self._read(target, start, end)
                if reading and reading.actual is not None and not target.is_met_by(reading.actual):
                    return target, reading
        return None

    def _read(self, target: Target, start: int, end: int) -> Reading | None:
        length = target.seconds or end - start
        readings = {
            name: read(target, self._found(target, name, fetch, start, end), length)
            for name, fetch in self._evidence.of(target).items()
        }
        return worst(target, readings) if readings else None

    def _found(self, target: Target, name: str, fetch: Fetch, start: int, end: int) -> Found:
        if target.seconds:
            return fetch(end - target.seconds, end)
        until, so_far = self._so_far.get((target, name), (start, Counter()))
        so_far += fetch(until, end)
        self._so_far[target, name] = end, so_far
        return so_far

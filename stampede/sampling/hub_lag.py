"""How late greenlets are: who wants to go on waits for whoever is at work, and takes that for the API's time.

A greenlet that wants to wake fifty times a second notes by how much it is late. What it misses while it
is held up counts too: for each time it wanted to wake, how long that was before it could.

Part of that may be the machine's: the process could have gone on, and got no core. What is left without it is
the process's own lag: it computed, or waited for something in a way that nobody else could go on.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import gevent

from stampede.sampling.run_queue import RunQueue

INTERVAL = 0.02
"""Seconds between two times it wants to wake: that costs 0.6 % of a core, and half of it 1.6 %."""

Lags = Counter[float]
"""How often it was so late: milliseconds, in tenths."""


class HubLag:
    """Of this process."""

    def __init__(self, waited: Callable[[], float | None] | None = None) -> None:
        """`waited` tells for how many seconds this process has waited for a core until now."""
        self._waited = waited or RunQueue().waited
        self._seconds: defaultdict[int, Lags] = defaultdict(Counter)
        self._own: defaultdict[int, Lags] = defaultdict(Counter)

    def watch(self) -> Iterator[int]:
        """Wake and note, for ever; yields the second, since the epoch, that each time is in."""
        due, waited = time.monotonic(), self._waited()
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            before, waited = waited, self._waited()
            for_a_core = None if before is None or waited is None else waited - before
            now, wall = time.monotonic(), time.time()
            while due <= now:
                self._note(int(wall - (now - due)), now - due, for_a_core)
                due += INTERVAL
            yield int(wall)

    def _note(self, second: int, lag: float, for_a_core: float | None) -> None:
        self._seconds[second][round(lag * 1000, 1)] += 1
        if for_a_core is not None:
            self._own[second][round(max(0.0, lag - for_a_core) * 1000, 1)] += 1

    def take(self, second: int) -> Lags:
        """Those of a second, which are forgotten here."""
        return self._seconds.pop(second, Counter())

    def take_own(self, second: int) -> Lags:
        """The same without what it waited for a core; nothing where the kernel does not tell."""
        return self._own.pop(second, Counter())

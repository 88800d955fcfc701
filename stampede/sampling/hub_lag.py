"""How late greenlets wake. While one greenlet computes, the others wait, and the times they measure grow.

While users run, a greenlet that should wake fifty times a second records how late it is. When it is delayed
by more than that, each wake that it missed counts too, with its own delay.

A part of the lag may come from the machine: the process was ready to run but got no core. The rest is the
process's own lag: a greenlet computed, or made a call that blocks all greenlets.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import gevent

from stampede.sampling.run_queue import RunQueue

INTERVAL = 0.02
"""Seconds between two wakes. This costs 0.6 % of a core; half the interval costs 1.6 %."""

IDLE_INTERVAL = 0.2
"""Seconds between two wakes of a process that is not in a run: nothing is measured then."""

Lags = Counter[float]
"""The number of wakes by their lag in ms, rounded to a tenth."""


class HubLag:
    """The lag of this process's hub, by second."""

    def __init__(
        self, waited: Callable[[], float | None] | None = None, is_in_run: Callable[[], bool] = lambda: True
    ) -> None:
        """Begin without lags.

        `waited` returns for how many seconds this process has waited for a core, `is_in_run` whether it is in
        a run.
        """
        self._is_in_run = is_in_run
        self._waited = waited or RunQueue().waited
        self._seconds: defaultdict[int, Lags] = defaultdict(Counter)
        self._own: defaultdict[int, Lags] = defaultdict(Counter)

    def watch(self) -> Iterator[int]:
        """Record lags until the process ends. After each wake, yield its second, since the epoch."""
        due, waited = time.monotonic(), self._waited()
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            before, waited = waited, self._waited()
            core_wait = None if before is None or waited is None else waited - before
            now, wall = time.monotonic(), time.time()
            interval = INTERVAL if self._is_in_run() else IDLE_INTERVAL
            while due <= now:
                self._record(int(wall - (now - due)), now - due, core_wait)
                due += interval
            yield int(wall)

    def _record(self, second: int, lag: float, core_wait: float | None) -> None:
        self._seconds[second][round(lag * 1000, 1)] += 1
        if core_wait is not None:
            self._own[second][round(max(0.0, lag - core_wait) * 1000, 1)] += 1

    def take(self, second: int) -> Lags:
        """Return the lags of a second and forget them."""
        return self._seconds.pop(second, Counter())

    def take_own(self, second: int) -> Lags:
        """Return the lags of a second without the waits for a core, and forget them.

        There are none where the kernel does not count the waits.
        """
        return self._own.pop(second, Counter())

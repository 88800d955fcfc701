"""How late greenlets are: who wants to go on waits for whoever is at work, and takes that for the API's time.

A greenlet that wants to wake a hundred times a second notes by how much it is late. What it misses while it
is held up counts too: for each time it wanted to wake, how long that was before it could.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import gevent

INTERVAL = 0.01
"""Seconds between two times it wants to wake."""

Lags = Counter[float]
"""How often it was so late: milliseconds, in tenths."""


class HubLag:
    """Of this process."""

    def __init__(self) -> None:
        self._seconds: defaultdict[int, Lags] = defaultdict(Counter)

    def watch(self) -> Iterator[int]:
        """Wake and note, for ever; yields the second, since the epoch, that each time is in."""
        due = time.monotonic()
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            now, wall = time.monotonic(), time.time()
            while due <= now:
                self._seconds[int(wall - (now - due))][round((now - due) * 1000, 1)] += 1
                due += INTERVAL
            yield int(wall)

    def take(self, second: int) -> Lags:
        """Those of a second, which are forgotten here."""
        return self._seconds.pop(second, Counter())

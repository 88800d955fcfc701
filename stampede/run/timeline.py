"""The run, second by second: how many users and workers there were and users wanted, what they sent and what
came of it.

Users and workers are looked at on the master as the seconds go by. Requests are not: workers stamp each
with its second, and what they report late is in its place at the end.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
from gevent import Greenlet
from locust.env import Environment

from stampede.counting import figures
from stampede.counting.counts import Counts


class Timeline:
    """The rows of one run."""

    def __init__(self, environment: Environment, counts: Counts) -> None:
        self._environment = environment
        self._counts = counts
        self._seen: dict[int, dict[str, int]] = {}
        self._watching: Greenlet[..., None] | None = None

    def start(self) -> None:
        """Look now, and when each second begins."""
        self._look()
        self._watching = gevent.spawn(self._watch)

    def stop(self) -> None:
        """The run is over."""
        if self._watching:
            self._watching.kill()
        self._look()

    def rows(self, since: int = 0) -> list[dict[str, Any]]:
        """``{"second", "users", "target_users", "workers", "requests", "failures", "outcomes", "p50_ms", …}``
        for each second from the start, or from `since`, until the one that was looked at last.

        A second is one since the epoch. One that nobody looked at is as the one before.
        """
        rows: list[dict[str, Any]] = []
        seen: dict[str, int] = {}
        for second in range(min(self._seen), max(self._seen) + 1):
            seen = self._seen.get(second, seen)
            if second >= since:
                rows.append({"second": second, **seen, **self._sent(second)})
        return rows

    def _sent(self, second: int) -> dict[str, Any]:
        outcomes = self._counts.outcomes.histogram(second, second + 1)
        return figures.second(self._counts.latencies, outcomes, second)

    def _watch(self) -> None:
        while True:
            gevent.sleep(1 - time.time() % 1)
            self._look()

    def _look(self) -> None:
        runner = self._environment.runner
        seen = {
            "users": runner.user_count,
            "target_users": runner.target_user_count,
            "workers": runner.worker_count,
        }
        self._seen.setdefault(int(time.time()), seen)

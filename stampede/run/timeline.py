"""The run, second by second: how many users and workers there were and users wanted, what they sent and what
came of it.

Users and workers are looked at on the master as the seconds go by. Requests are not: workers stamp each
with its second, and what they report late is in its place at the end.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import gevent
from gevent import Greenlet
from locust.env import Environment

from stampede.counting.counts import Counts
from stampede.counting.figures import percentiles
from stampede.counting.latency import percentile
from stampede.facts.figures import Second


class _Seen(NamedTuple):
    """As the master had it when a second began."""

    users: int
    target_users: int
    workers: int


class Timeline:
    """The rows of one run."""

    def __init__(self, environment: Environment, counts: Counts) -> None:
        self._environment = environment
        self._counts = counts
        self._seen: dict[int, _Seen] = {}
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

    def rows(self, since: int = 0) -> list[Second]:
        """Return a row for each second from the start, or from `since`, until the newest that was sampled.

        `since` is in seconds since the epoch. A second that was missed is as the one before.
        """
        rows: list[Second] = []
        seen = _Seen(0, 0, 0)
        for second in range(min(self._seen), max(self._seen) + 1):
            seen = self._seen.get(second, seen)
            if second >= since:
                rows.append(self._row(second, seen))
        return rows

    def _row(self, second: int, seen: _Seen) -> Second:
        latencies = self._counts.latencies
        outcomes = self._counts.outcomes.histogram(second, second + 1)
        from_start = latencies.histogram(second, second + 1, from_start=True)
        return Second(
            second=second,
            **seen._asdict(),
            requests=latencies.requests(second, second + 1),
            failures=latencies.failures(second, second + 1),
            outcomes={str(status): count for status, count in sorted(outcomes.items())},
            **percentiles(latencies.histogram(second, second + 1))._asdict(),
            from_start_p99_ms=percentile(from_start, 0.99),
        )

    def _watch(self) -> None:
        while True:
            gevent.sleep(1 - time.time() % 1)
            self._look()

    def _look(self) -> None:
        runner = self._environment.runner
        seen = _Seen(runner.user_count, runner.target_user_count, runner.worker_count)
        self._seen.setdefault(int(time.time()), seen)

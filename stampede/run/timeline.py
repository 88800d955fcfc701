"""The timeline of a run: its users, workers, requests and outcomes, second by second.

The master samples the number of users and workers once a second. Requests are not sampled: workers stamp each
request with its second, so that a late report still counts in the right second.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import gevent
from gevent import Greenlet
from locust.env import Environment

from stampede.cluster import roster
from stampede.counting.counts import Counts
from stampede.counting.figures import percentiles
from stampede.counting.latency import percentile
from stampede.facts.figures import Second


class _Sample(NamedTuple):
    """The master's numbers at the beginning of a second."""

    users: int
    target_users: int
    planned_users: int
    starting_users: int
    workers: int


class Timeline:
    """The timeline of one run."""

    def __init__(self, environment: Environment, counts: Counts) -> None:
        self._environment = environment
        self._counts = counts
        self._samples: dict[int, _Sample] = {}
        self._sampler: Greenlet[..., None] | None = None

    def start(self) -> None:
        """Take a sample now, and at the beginning of each second."""
        self._take_sample()
        self._sampler = gevent.spawn(self._sample_each_second)

    def stop(self) -> None:
        """Stop sampling, with a last sample."""
        if self._sampler:
            self._sampler.kill()
        self._take_sample()

    def rows(self, since: int = 0) -> list[Second]:
        """Return a row for each second from the start, or from `since`, until the newest that was sampled.

        `since` is in seconds since the epoch. A second without a sample has the sample of the one before. By
        the clock of a worker, an answer can be in the second before or after those.
        """
        rows: list[Second] = []
        sample = _Sample(0, 0, 0, 0, 0)
        first, last = min(self._samples), max(self._samples)
        first -= self._has_answers(first - 1)
        last += self._has_answers(last + 1)
        for second in range(first, last + 1):
            sample = self._samples.get(second, sample)
            if second >= since:
                rows.append(self._row(second, sample))
        return rows

    def _has_answers(self, second: int) -> bool:
        return bool(self._counts.latencies.as_one_second([second], all_sent=True).requests(0, 1))

    def _row(self, second: int, sample: _Sample) -> Second:
        latencies = self._counts.latencies.as_one_second([second], all_sent=True)
        outcomes = self._counts.outcomes.histogram(second, second + 1, all_sent=True)
        times, from_start = latencies.histogram(0, 1), latencies.histogram(0, 1, from_start=True)
        return Second(
            second=second,
            **sample._asdict(),
            requests=latencies.requests(0, 1),
            failures=latencies.failures(0, 1),
            outcomes={str(status): count for status, count in sorted(outcomes.items())},
            unanswered=latencies.unanswered(0, 1),
            **percentiles(times)._asdict(),
            max_ms=max([*times, *latencies.failed(0, 1)], default=None),
            from_start_p99_ms=percentile(from_start, 0.99),
        )

    def _sample_each_second(self) -> None:
        while True:
            gevent.sleep(1 - time.time() % 1)
            self._take_sample()

    def _take_sample(self) -> None:
        runner = self._environment.runner
        target, planned = runner.target_user_count, roster.users_due(runner)
        starting = roster.users_starting(runner)
        sample = _Sample(runner.user_count, target, planned, starting, runner.worker_count)
        self._samples.setdefault(int(time.time()), sample)

"""The timeline of a run: its users, workers, requests and outcomes, second by second.

The master samples the number of users and workers once a second. Requests are not sampled: workers stamp each
request with its second, so that a late report still counts in the right second. Older seconds are merged
(stampede/counting/steps.py), whether their users were the wanted ones is judged before.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import gevent
from gevent import Greenlet
from locust.env import Environment
from msgspec.structs import replace

from stampede.cluster import roster
from stampede.counting.counts import Counts
from stampede.counting.figures import percentiles
from stampede.counting.latency import percentile
from stampede.counting.steps import Part
from stampede.facts.figures import Second


class _Sample(NamedTuple):
    """The master's numbers at the beginning of a second."""

    users: int
    target_users: int
    planned_users: int
    starting_users: int
    workers: int


class _Merged(NamedTuple):
    """What is kept of several seconds."""

    sample: _Sample
    seconds: int
    off_seconds: int
    unsampled_seconds: int


class Timeline:
    """The timeline of one run."""

    def __init__(self, environment: Environment, counts: Counts) -> None:
        self._environment = environment
        self._counts = counts
        self._samples: dict[int, _Sample] = {}
        self._last_merged = _Sample(0, 0, 0, 0, 0)
        """The sample of the last second that is merged."""
        self._older: dict[int, _Merged] = {}
        """By the first second of their part."""
        self.off: set[int] = set()
        """Seconds that are not merged, in which the users were not the wanted ones without an explanation."""
        self.unsampled: set[int] = set()
        """The same for seconds in which not all workers sent samples."""
        self.most_target_users = 0
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

    @property
    def begin(self) -> int:
        """Return the first second that is not merged."""
        first = min(self._samples)
        return max(first - self._has_answers(first - 1), self._counts.steps.end)

    def rows(self, since: int = 0) -> list[Second]:
        """Return the rows from the start, or from `since`, until the newest second that was sampled.

        `since` is in seconds since the epoch. The seconds of one part of the steps are one row. By the clock
        of a worker, an answer can be in the second before the first one or after the last one.
        """
        older = [self._merged_row(first) for first in sorted(self._older) if first >= since]
        last = max(self._samples)
        return older + self.recent(since, last + 1 + self._has_answers(last + 1))

    def recent(self, start: int, end: int) -> list[Second]:
        """Return a row for each second in [start, end) that is not merged."""
        return [self._row(second, sample) for second, sample in self._samples_of(start, end)]

    def users(self, start: int, end: int) -> list[Second]:
        """Return such rows without requests: this is much faster."""
        return [_without_requests(second, sample) for second, sample in self._samples_of(start, end)]

    def wanted(self, second: int) -> int:
        """Return how many users were wanted in a second that is not merged."""
        (row,) = self.users(second, second + 1)
        return row.target_users

    def _samples_of(self, start: int, end: int) -> Iterator[tuple[int, _Sample]]:
        """Yield the sample of each second. A second without one has the sample of the one before."""
        sample = self._last_merged
        for second in range(self.begin, end):
            sample = self._samples.get(second, sample)
            if second >= start:
                yield second, sample

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        samples = dict(self._samples_of(part.first, part.spans[-1].stop))
        off = [second for second in part if second in self.off]
        sample = _worst(samples, off) if off else _best(samples, part)
        unsampled = sum(second in self.unsampled for second in part)
        self._older[part.first] = _Merged(sample, len(part), len(off), unsampled)

    def join(self, part: Part, other: Part) -> None:
        """Add the row of another part to that of a part."""
        one, two = self._older[part.first], self._older.pop(other.first)
        self._older[part.first] = _Merged(
            _joined(one, two), *(sum(pair) for pair in zip(one[1:], two[1:], strict=True))
        )

    def merged(self) -> None:
        """Forget the seconds that are merged, after all parts of a chunk."""
        end = self._counts.steps.end
        for second in [second for second in self._samples if second < end]:
            self._last_merged = self._samples.pop(second)
        self.off = {second for second in self.off if second >= end}
        self.unsampled = {second for second in self.unsampled if second >= end}

    def _merged_row(self, first: int) -> Second:
        row = self._older[first]
        return replace(
            self._row(first, row.sample),
            seconds=row.seconds,
            off_seconds=row.off_seconds,
            unsampled_seconds=row.unsampled_seconds,
        )

    def _has_answers(self, second: int) -> bool:
        return self._counts.latencies.sum([second], all_sent=True).requests > 0

    def _row(self, second: int, sample: _Sample) -> Second:
        requests = self._counts.latencies.sum([second], all_sent=True)
        outcomes = self._counts.outcomes.histogram(second, second + 1, all_sent=True)
        times = requests.times.histogram()
        return Second(
            second=second,
            off_seconds=int(second in self.off),
            **sample._asdict(),
            requests=requests.requests,
            failures=requests.failures,
            outcomes={str(status): count for status, count in sorted(outcomes.items())},
            unanswered=requests.unanswered,
            **percentiles(times)._asdict(),
            max_ms=max([*times, *requests.failed.histogram()], default=None),
            from_start_p99_ms=percentile(requests.from_start.histogram(), 0.99),
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
        self.most_target_users = max(self.most_target_users, target)


def _without_requests(second: int, sample: _Sample) -> Second:
    return Second(
        second=second,
        **sample._asdict(),
        requests=0,
        failures=0,
        outcomes={},
        unanswered=0,
        p50_ms=None,
        p95_ms=None,
        p99_ms=None,
        max_ms=None,
        from_start_p99_ms=None,
    )


def _best(samples: Mapping[int, _Sample], seconds: Iterable[int]) -> _Sample:
    """Return the newest of the samples in which the number of users is nearest to the wanted one."""
    return min((samples[second] for second in reversed([*seconds])), key=_distance)


def _worst(samples: Mapping[int, _Sample], seconds: Iterable[int]) -> _Sample:
    return max((samples[second] for second in seconds), key=_distance)


def _joined(one: _Merged, two: _Merged) -> _Sample:
    if one.off_seconds or two.off_seconds:
        return max(
            (each for each in (one, two) if each.off_seconds), key=lambda e: _distance(e.sample)
        ).sample
    return min((two.sample, one.sample), key=_distance)


def _distance(sample: _Sample) -> int:
    return abs(sample.users - sample.target_users)

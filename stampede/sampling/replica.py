"""Counts the requests of one address of the API in a run, also across restarts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from stampede.facts.event import Event
from stampede.sampling.api_metrics import METRICS, MOST_SAMPLES, Metrics, RequestKey

CLOCK_JITTER = 1.0
"""Seconds by which a process may report different start times. Each is computed from the machine's clock."""

MOST_RESTARTS = 1000
"""Restarts of a run that are counted. An API whose counters fall more often does not count at all."""


class Replica:
    """The requests that the API at one address counted in a run.

    A new process is recognized by counters that fall. One that has counted more than the one before within a
    second is recognized by its start time alone; where that happens again, the API reports other start times
    without a restart, and they are ignored.
    """

    def __init__(self, metrics: Metrics, asked: float, before: Mapping[RequestKey, int]) -> None:
        """Begin with the first answer, requested at `asked`, and its requests from `before` the run."""
        self._before = Counter(before)
        self._ended: Counter[RequestKey] = Counter()
        """The requests that processes had counted when they ended."""
        self._doubtful: tuple[Event, Counter[RequestKey]] | None = None
        """A restart that only a start time showed, and the last counts before it."""
        self.last = metrics
        """The last answer."""
        self.last_polled = asked
        """When the last answer was requested, in seconds since the epoch."""
        self.silent_since: float | None = None
        """Since when it has not answered, in seconds since the epoch; None while it answers."""
        self.is_shared = False
        """Several processes answer in turns, so no answer is complete."""
        self.ignores_start = False
        """The API reports other start times without a restart."""
        self.restarts: list[Event] = []
        self.fault: str | None = None
        """Why the counts cannot be used."""

    def update(self, metrics: Metrics, asked: float) -> None:
        """Add the next answer. A new process adds an event to `restarts`."""
        last, last_polled = self.last, self.last_polled
        self.last, self.last_polled, self.silent_since = metrics, asked, None
        if self.fault:
            return
        knows_start = bool(metrics.started and last.started and not self.ignores_start)
        younger = (metrics.started or 0.0) - (last.started or 0.0) if knows_start else 0.0
        has_fallen = not last.requests <= metrics.requests
        if not has_fallen and abs(younger) <= CLOCK_JITTER:
            return
        # An older process answers again, or one that was forked at the same time has counted less.
        self.is_shared |= knows_start and younger <= CLOCK_JITTER
        if self.is_shared:
            return
        at = None if self.ignores_start else metrics.started
        restart = Event(name="api_restarted", at=at or asked, last_look=last_polled)
        if has_fallen:
            self._add_restart(restart, last)
        elif self._doubtful is None:
            self._doubtful = restart, last.requests
            self._add_restart(restart, last)
        else:
            self._ignore_start(*self._doubtful)

    def _add_restart(self, restart: Event, last: Metrics) -> None:
        self.restarts.append(restart)
        self._ended += last.requests - self._before
        self._before.clear()
        if len(self._ended) > MOST_SAMPLES:
            self._give_up(f"more than {MOST_SAMPLES:,} samples, over all its restarts")
        elif len(self.restarts) > MOST_RESTARTS:
            self._give_up(f"counters that fell more than {MOST_RESTARTS:,} times")

    def _give_up(self, fault: str) -> None:
        """Count no more: an API that invents counters would fill the memory, and the events of the run."""
        self.fault = fault
        self.restarts.clear()
        self._ended.clear()

    def _ignore_start(self, restart: Event, counted: Counter[RequestKey]) -> None:
        """Ignore start times from now on, and take back the restart that only a start time had shown."""
        self.ignores_start = True
        self.restarts.remove(restart)
        self._ended.subtract(counted)

    @property
    def requests(self) -> Counter[RequestKey]:
        """Return the requests of the run, as far as they were seen."""
        return self._ended + (self.last.requests - self._before)


def is_same_process(one: Metrics, other: Metrics) -> bool:
    """Return whether two answers come from one process.

    Two processes may have started within the same hundredth of a second, the precision of many start times.
    By the end of a run they have counted different numbers of requests.
    """
    if one.started is None or (one.started, one.machine) != (other.started, other.machine):
        return False
    return requests_of_users(one.requests) == requests_of_users(other.requests)


def requests_of_users(requests: Counter[RequestKey]) -> Counter[RequestKey]:
    """Return the requests without health probes (HEAD) and without requests for the metrics."""
    return Counter({key: count for key, count in requests.items() if key[0] != "HEAD" and key[1] != METRICS})

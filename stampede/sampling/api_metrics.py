"""Reads an API's answer to `GET /metrics`, and counts the requests of one address in a run. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from stampede.facts.event import Event
from stampede.sampling.gauges import Gauges, read_gauges, read_machine

METRICS = "/metrics"

CLOCK_JITTER = 1.0
"""Seconds by which a process may report different start times. Each is computed from the machine's clock."""

RequestKey = tuple[str, str, str]
"""A method, a route and a status."""

_LABEL = r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?'
_REQUESTS = re.compile(rf"http_requests_total\s*\{{((?:{_LABEL})*)\s*\}}\s+(\S+)", re.ASCII)
_STARTED = re.compile(r"^process_start_time_seconds(?:\{\s*\})?\s+(\S+)", re.MULTILINE)
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True, slots=True)
class Metrics:
    """The content of one answer of an API."""

    requests: Counter[RequestKey] = field(default_factory=Counter)
    started: float | None = None
    """When the API's process started, in seconds since the epoch."""
    gauges: Gauges = field(default_factory=dict)
    machine: str | None = None
    """The id of the machine that it runs on."""


def read(text: str) -> Metrics:
    """Return the request counters and gauges in Prometheus text. Other lines are ignored.

    Raises ValueError for a value that is not a number.
    """
    requests: Counter[RequestKey] = Counter()
    for line in text.splitlines():
        if line.startswith("http_requests_total") and (sample := _REQUESTS.match(line)):
            labels = {name: _unescaped(value) for name, value in re.findall(_LABEL, sample[1])}
            if {"method", "route", "status"} <= labels.keys():
                requests[labels["method"], labels["route"], labels["status"]] += _count(sample[4])
    started = _STARTED.search(text)
    return Metrics(requests, float(started[1]) if started else None, read_gauges(text), read_machine(text))


def _count(text: str) -> int:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is no count of requests")
    return int(number)


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda match: _ESCAPED.get(match[0], match[0]), value)


class Replica:
    """The requests that the API at one address counted in a run, also across restarts."""

    def __init__(self, metrics: Metrics, asked: float, before: Mapping[RequestKey, int]) -> None:
        """Begin with the first answer, requested at `asked`, and its requests from `before` the run."""
        self._before = Counter(before)
        self._ended: Counter[RequestKey] = Counter()
        """The requests that processes had counted when they ended."""
        self.last = metrics
        """The last answer."""
        self.last_polled = asked
        """When the last answer was requested, in seconds since the epoch."""
        self.silent_since: float | None = None
        """Since when it has not answered, in seconds since the epoch; None while it answers."""
        self.is_shared = False
        """Several processes answer in turns, so no answer is complete."""

    def update(self, metrics: Metrics, asked: float) -> Event | None:
        """Add the next answer. Return an event if it comes from a new process."""
        last, last_polled = self.last, self.last_polled
        self.last, self.last_polled, self.silent_since = metrics, asked, None
        younger = metrics.started - last.started if metrics.started and last.started else 0.0
        is_same_start = abs(younger) <= CLOCK_JITTER
        if is_same_start and last.requests <= metrics.requests:
            return None
        # An older process answers again, or one that was forked at the same time has counted less.
        self.is_shared |= younger < -CLOCK_JITTER or (
            is_same_start and None not in (metrics.started, last.started)
        )
        if self.is_shared:
            return None
        self._ended += last.requests - self._before
        self._before.clear()
        return Event(name="api_restarted", at=metrics.started or asked, last_look=last_polled)

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

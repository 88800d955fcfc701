"""What an API tells of itself in `GET /metrics`, and what the one at an address counted in a run. Pure."""

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
"""Seconds by which one process may tell its start differently: it is reckoned from the machine's."""

Counted = tuple[str, str, str]
"""Method, route and status."""

_LABEL = r'\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?'
_REQUESTS = re.compile(rf"http_requests_total\s*\{{((?:{_LABEL})*)\s*\}}\s+(\S+)", re.ASCII)
_STARTED = re.compile(r"^process_start_time_seconds(?:\{\s*\})?\s+(\S+)", re.MULTILINE)
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What one answer of an API tells."""

    requests: Counter[Counted] = field(default_factory=Counter)
    started: float | None = None
    """When its process began, seconds since the epoch."""
    gauges: Gauges = field(default_factory=dict)
    machine: str | None = None
    """Which one it runs on."""


def read(text: str) -> Metrics:
    """What Prometheus text tells of requests, and of how the API is; all other lines are passed over.

    Raises ValueError for a figure that is no number.
    """
    requests: Counter[Counted] = Counter()
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
    return re.sub(r"\\.", lambda found: _ESCAPED.get(found[0], found[0]), value)


class Replica:
    """What the API behind one address has counted in a run, its restarts included."""

    def __init__(self, metrics: Metrics, asked: float, before: Mapping[Counted, int]) -> None:
        """The first answer, when it was asked for, and how much of it was counted `before` the run."""
        self._before = Counter(before)
        self._ended: Counter[Counted] = Counter()
        self.last = metrics
        """What it told last."""
        self.last_look = asked
        """When it was asked for what was last seen of it, seconds since the epoch."""
        self.missed: float | None = None
        """Since when it has not answered."""
        self.is_shared = False
        """Several processes answer in turns: what one of them tells is not the whole."""

    def see(self, metrics: Metrics, asked: float) -> Event | None:
        """Take in the next answer; return an event where it is a new process's."""
        last, last_look = self.last, self.last_look
        self.last, self.last_look, self.missed = metrics, asked, None
        younger = metrics.started - last.started if metrics.started and last.started else 0.0
        is_same = abs(younger) <= CLOCK_JITTER
        if is_same and last.requests <= metrics.requests:
            return None
        # An older one comes again, or one that was forked at the same time has counted less.
        self.is_shared |= younger < -CLOCK_JITTER or (is_same and None not in (metrics.started, last.started))
        if self.is_shared:
            return None
        self._ended += last.requests - self._before
        self._before.clear()
        return Event(name="api_restarted", at=metrics.started or asked, last_look=last_look)

    @property
    def requests(self) -> Counter[Counted]:
        """Those of the run, as far as they were seen."""
        return self._ended + (self.last.requests - self._before)


def is_same(one: Metrics, other: Metrics) -> bool:
    """Whether both are of one process. Others may have begun in the same hundredth of a second, which is all
    that many tell; they do not count the same of every route from there to the end of a run."""
    if one.started is None or (one.started, one.machine) != (other.started, other.machine):
        return False
    return of_users(one.requests) == of_users(other.requests)


def of_users(requests: Counter[Counted]) -> Counter[Counted]:
    """Without probes, and our own asking."""
    return Counter(
        {each: count for each, count in requests.items() if each[0] != "HEAD" and each[1] != METRICS}
    )

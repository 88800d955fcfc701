"""Outcomes: how often the API answered with which status, by second and route.

Locust counts only successes and failures, which do not show whether a shop sold something or was sold out.
Workers count the status of each request and hand the counts over with their reports; the master adds them up.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from stampede.counting.latency import IsWanted
from stampede.counting.names import Names
from stampede.counting.packed_seconds import PackedSeconds
from stampede.counting.request import NO_ANSWER, Request
from stampede.counting.steps import Part, Steps

KEY = "stampede_outcomes"
"""The key of the counts in a worker's report."""

REFUSED = 503
"""The status that an overloaded API answers with."""

MAX_REFUSAL_MS = 1000.0
"""The time within which an API should refuse a request."""

MOST_STATUSES = 100
"""Different statuses that are told apart. An API can answer each request with another one."""

Outcome = tuple[str, str, int]
"""A method, a name and a status."""

_Seconds = defaultdict[int, Counter[Outcome]]


class Tally(NamedTuple):
    """The answers of all routes together."""

    served: int
    """Answers below 500, including refusals by a rule of the shop, such as 409 when sold out."""
    refused: int
    """Answers that ask the client to come back later (503)."""
    refused_late: int
    """Refused answers that took more than MAX_REFUSAL_MS."""


class Outcomes:
    """The counts of one worker since its last report; on the master, of all workers in a run."""

    def __init__(self, names: Names | None = None, steps: Steps | None = None) -> None:
        """Begin without requests.

        `names` limits the names in the workers' reports, `steps` are those of the run's older seconds.
        """
        self._names = names or Names()
        self._steps = steps or Steps()
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._stopped_at: float | None = None
        self._statuses: set[int] = set()
        self._forget()

    def _forget(self) -> None:
        self._seconds: _Seconds = defaultdict(Counter)
        self._packed = PackedSeconds()
        """Seconds, and parts of older seconds by their first."""
        self._after_stop: _Seconds = defaultdict(Counter)
        self._refused_late: Counter[int] = Counter()
        self._total: Counter[Outcome] = Counter()  # kept, as adding up is slow late in a long run

    def stop(self) -> None:
        """Keep requests apart that are sent from now on, as the run stops."""
        self._stopped_at = time.time()

    def count(self, request: Request) -> None:
        """Count one request."""
        status = request.status
        if status not in self._statuses:
            status = self._told_apart(status)
        is_late = self._stopped_at is not None and request.sent > self._stopped_at
        seconds = self._after_stop if is_late else self._seconds
        self._count(seconds, request.second, (*request.route, status), 1)
        if status == REFUSED and (request.milliseconds or 0) > MAX_REFUSAL_MS:
            self._refused_late[request.second] += 1

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's report."""
        report[KEY] = {
            "counts": _packed(self._seconds),
            "after_stop": _packed(self._after_stop),
            "refused_late": dict(self._refused_late),
        }
        self._forget()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        reported = report[KEY]
        for seconds, rows in ((self._seconds, "counts"), (self._after_stop, "after_stop")):
            for second, method, name, status, count in reported[rows]:
                outcome = *self._names.of(method, name), self._told_apart(status)
                self._count(seconds, self._known_by(second), outcome, count)
        for second, count in reported["refused_late"].items():
            self._refused_late[self._known_by(second)] += count

    def _known_by(self, second: int) -> int:
        part = self._steps.part_of(second)
        return part.first if part else second

    def pack(self, before: int) -> None:
        """Keep the seconds before this one in less space."""
        for second in [second for second in self._seconds if second < before]:
            self._pack(second, self._seconds.pop(second))

    def _pack(self, second: int, counts: Counter[Outcome]) -> None:
        rows = (((method, name), (status, count)) for (method, name, status), count in counts.items())
        self._packed.add(second, rows)

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        self._move(part, part.first)

    def join(self, part: Part, other: Part) -> None:
        """Add the counts of another part to a part."""
        self._move((part.first, other.first), part.first)

    def _move(self, seconds: Iterable[int], to: int) -> None:
        """Move the counts of these seconds to one of them."""
        counts: Counter[Outcome] = Counter()
        refused_late = 0
        for second in seconds:
            for outcome, count in self._counts(second):
                counts[outcome] += count
            refused_late += self._refused_late.pop(second, 0)
            self._seconds.pop(second, None)
            self._packed.pop(second)
        self._pack(to, counts)
        if refused_late:
            self._refused_late[to] = refused_late

    def _counts(self, second: int, all_sent: bool = False) -> Iterator[tuple[Outcome, int]]:
        for seconds in (self._seconds, self._after_stop)[: 1 + all_sent]:
            yield from seconds.get(second, {}).items()
        for (method, name), (status, count) in self._packed.rows(second):
            yield (method, name, status), count

    def histogram(
        self, start: int, end: int, routes: IsWanted | None = None, all_sent: bool = False
    ) -> Counter[int]:
        """Return how many answers had which status in the seconds [start, end), since the epoch.

        With `all_sent`, requests that were sent after the stop are included.
        """
        statuses: Counter[int] = Counter()
        for second in range(start, end):
            for (method, name, status), count in self._counts(second, all_sent):
                if routes is None or routes(method, name):
                    statuses[status] += count
        return statuses

    def statuses(
        self, seconds: Iterable[int], source: Callable[[str, str], str | None]
    ) -> dict[str, Counter[int]]:
        """Return how many answers had which status in these seconds, up to the stop.

        Routes for which `source` is the same are counted together. Those for which it is None are left out.
        """
        statuses: defaultdict[str, Counter[int]] = defaultdict(Counter)
        for second in seconds:
            for (method, name, status), count in self._counts(second):
                if (key := source(method, name)) is not None:
                    statuses[key][status] += count
        return statuses

    def tally(self, seconds: Iterable[int]) -> Tally:
        """Return how many answers were served and refused in these seconds, since the epoch."""
        statuses, refused_late = Counter[int](), 0
        for second in seconds:
            statuses += self.histogram(second, second + 1)
            refused_late += self._refused_late[second]
        served = sum(count for status, count in statuses.items() if NO_ANSWER < status < 500)
        return Tally(served, statuses[REFUSED], refused_late)

    def by_route(self) -> dict[str, dict[str, int]]:
        """Return the counts of the whole run by route and status: ``{"POST /orders/": {"201": 21000}}``.

        Status "0" is a request without a complete answer.
        """
        routes: dict[str, dict[str, int]] = {}
        for (method, name, status), count in sorted(self._total.items()):
            routes.setdefault(f"{method} {name}", {})[str(status)] = count
        return routes

    def _told_apart(self, status: int) -> int:
        """Return the status; beyond MOST_STATUSES the first one of its class: 400 for 487 (RFC 9110, 15)."""
        if status not in self._statuses:
            if len(self._statuses) >= MOST_STATUSES:
                return status // 100 * 100 or status
            self._statuses.add(status)
        return status

    def _count(self, seconds: _Seconds, second: int, outcome: Outcome, times: int) -> None:
        seconds[second][outcome] += times
        self._total[outcome] += times


def _packed(seconds: _Seconds) -> list[tuple[int, str, str, int, int]]:
    """Return the rows of a report."""
    return [
        (second, method, name, status, count)
        for second, outcomes in seconds.items()
        for (method, name, status), count in outcomes.items()
    ]

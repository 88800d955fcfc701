"""Outcomes: what the API answered, by second, route and status, expected or not.

Locust knows success and failure only; whether a shop sold out or sold is neither. Workers count
each request's status and hand the counts over with their reports; the master adds them up.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from stampede.counting.latency import IsWanted

KEY = "stampede_outcomes"
"""Where the counts stand in a worker's report."""

NO_ANSWER = 0
"""The status of a request that got no complete answer."""

REFUSED = 503
"""The status of an API that has too much to do."""

LONGEST_REFUSAL_MS = 1000.0
"""Until who is not served should know."""

Outcome = tuple[str, str, int]
"""Method, name and status."""


class Tally(NamedTuple):
    """All routes taken together."""

    served: int
    """Answers below 500, refusals with a reason among them: a sold-out 409 is an answer."""
    refused: int
    """Answers that ask to come back later."""
    refused_late: int
    """Of those, the ones that took more than LONGEST_REFUSAL_MS."""


class Outcomes:
    """The counts of one worker since its last report, or on the master those of all of them in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: a run begins."""
        self._seconds: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
        self._refused_late: Counter[int] = Counter()
        self._total: Counter[Outcome] = Counter()  # asked for again and again, also late in a long run

    def count(
        self, request_type: str, name: str, response_time: float | None = 0, response: Any = None, **_: Any
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, the time in ms."""
        second = int(time.time())
        status = getattr(response, "status_code", None) or NO_ANSWER
        self._count(second, (request_type, name, status), 1)
        if status == REFUSED and (response_time or 0) > LONGEST_REFUSAL_MS:
            self._refused_late[second] += 1

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the counts into a worker's report, and begin anew."""
        counts = [
            (second, *outcome, count)
            for second, outcomes in self._seconds.items()
            for outcome, count in outcomes.items()
        ]
        report[KEY] = {"counts": counts, "refused_late": dict(self._refused_late)}
        self.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what stands in a worker's report."""
        told = report.get(KEY, {"counts": (), "refused_late": {}})
        for second, method, name, status, count in told["counts"]:
            self._count(second, (method, name, status), count)
        self._refused_late.update(told["refused_late"])

    def histogram(self, start: int, end: int, routes: IsWanted | None = None) -> Counter[int]:
        """How often each status was answered in the seconds [start, end), since the epoch."""
        statuses: Counter[int] = Counter()
        for second in range(start, end):
            for (method, name, status), count in self._seconds.get(second, {}).items():
                if routes is None or routes(method, name):
                    statuses[status] += count
        return statuses

    def tally(self, start: int, end: int) -> Tally:
        """How much was served and how much refused in these seconds."""
        statuses = self.histogram(start, end)
        served = sum(count for status, count in statuses.items() if NO_ANSWER < status < 500)
        refused_late = sum(self._refused_late[second] for second in range(start, end))
        return Tally(served, statuses[REFUSED], refused_late)

    def by_route(self) -> dict[str, dict[str, int]]:
        """``{"POST /orders/": {"201": 21000, "409": 310}}``; status "0" is no complete answer."""
        routes: dict[str, dict[str, int]] = {}
        for (method, name, status), count in sorted(self._total.items()):
            routes.setdefault(f"{method} {name}", {})[str(status)] = count
        return routes

    def _count(self, second: int, outcome: Outcome, times: int) -> None:
        self._seconds[second][outcome] += times
        self._total[outcome] += times

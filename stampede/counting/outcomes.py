"""Outcomes: how often the API answered with which status, by second and route.

Locust counts only successes and failures, which do not show whether a shop sold something or was sold out.
Workers count the status of each request and hand the counts over with their reports; the master adds them up.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from stampede.counting.latency import IsWanted

KEY = "stampede_outcomes"
"""The key of the counts in a worker's report."""

NO_ANSWER = 0
"""The status of a request without a complete answer."""

REFUSED = 503
"""The status that an overloaded API answers with."""

MAX_REFUSAL_MS = 1000.0
"""The time within which an API should refuse a request."""

Outcome = tuple[str, str, int]
"""A method, a name and a status."""


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

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._seconds: defaultdict[int, Counter[Outcome]] = defaultdict(Counter)
        self._refused_late: Counter[int] = Counter()
        self._total: Counter[Outcome] = Counter()  # kept, as adding up is slow late in a long run

    def count(
        self, request_type: str, name: str, response_time: float | None = 0, response: Any = None, **_: Any
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, the time in ms."""
        second = int(time.time())
        status = getattr(response, "status_code", None) or NO_ANSWER
        self._count(second, (request_type, name, status), 1)
        if status == REFUSED and (response_time or 0) > MAX_REFUSAL_MS:
            self._refused_late[second] += 1

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's report."""
        counts = [
            (second, str(method), str(name), http_status(status), count)
            for second, outcomes in self._seconds.items()
            for (method, name, status), count in outcomes.items()
        ]
        report[KEY] = {"counts": counts, "refused_late": dict(self._refused_late)}
        self.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        reported = report.get(KEY, {"counts": (), "refused_late": {}})
        for second, method, name, status, count in reported["counts"]:
            self._count(second, (method, name, status), count)
        self._refused_late.update(reported["refused_late"])

    def histogram(self, start: int, end: int, routes: IsWanted | None = None) -> Counter[int]:
        """Return how many answers had which status in the seconds [start, end), since the epoch."""
        statuses: Counter[int] = Counter()
        for second in range(start, end):
            for (method, name, status), count in self._seconds.get(second, {}).items():
                if routes is None or routes(method, name):
                    statuses[status] += count
        return statuses

    def tally(self, start: int, end: int) -> Tally:
        """Return how many answers were served and refused in the seconds [start, end)."""
        statuses = self.histogram(start, end)
        served = sum(count for status, count in statuses.items() if NO_ANSWER < status < 500)
        refused_late = sum(self._refused_late[second] for second in range(start, end))
        return Tally(served, statuses[REFUSED], refused_late)

    def by_route(self) -> dict[str, dict[str, int]]:
        """Return the counts of the whole run by route and status: ``{"POST /orders/": {"201": 21000}}``.

        Status "0" is a request without a complete answer.
        """
        routes: dict[str, dict[str, int]] = {}
        for (method, name, status), count in sorted(self._total.items()):
            routes.setdefault(f"{method} {name}", {})[str(status)] = count
        return routes

    def _count(self, second: int, outcome: Outcome, times: int) -> None:
        self._seconds[second][outcome] += times
        self._total[outcome] += times


def http_status(status: object) -> int:
    """Return the status, or NO_ANSWER for what is none: a client that is not HTTP has its own ("OK")."""
    return int(status) if isinstance(status, int) else NO_ANSWER

"""Outcomes: what the API answered, by route and status, expected or not.

Locust knows success and failure only; whether a shop sold out or sold is neither. Workers count
each request's status and hand the counts over with their reports; the master adds them up.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

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
        self._counts: Counter[Outcome] = Counter()
        self._refused_late = 0

    def clear(self) -> None:
        """Forget everything: a run begins."""
        self._counts.clear()
        self._refused_late = 0

    def count(
        self, request_type: str, name: str, response_time: float = 0, response: Any = None, **_: Any
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, the time in ms."""
        status = getattr(response, "status_code", None) or NO_ANSWER
        self._counts[request_type, name, status] += 1
        if status == REFUSED and response_time > LONGEST_REFUSAL_MS:
            self._refused_late += 1

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the counts into a worker's report, and begin anew."""
        counts = [(*outcome, count) for outcome, count in self._counts.items()]
        report[KEY] = {"counts": counts, "refused_late": self._refused_late}
        self.clear()

    def add(self, report: dict[str, Any]) -> None:
        """Add what stands in a worker's report."""
        told = report.get(KEY, {"counts": (), "refused_late": 0})
        for method, name, status, count in told["counts"]:
            self._counts[method, name, status] += count
        self._refused_late += told["refused_late"]

    def tally(self) -> Tally:
        """How much was served and how much refused."""
        served = sum(count for (*_, status), count in self._counts.items() if NO_ANSWER < status < 500)
        refused = sum(count for (*_, status), count in self._counts.items() if status == REFUSED)
        return Tally(served, refused, self._refused_late)

    def by_route(self) -> dict[str, dict[str, int]]:
        """``{"POST /orders/": {"201": 21000, "409": 310}}``; status "0" is no complete answer."""
        routes: dict[str, dict[str, int]] = {}
        for (method, name, status), count in sorted(self._counts.items()):
            routes.setdefault(f"{method} {name}", {})[str(status)] = count
        return routes

"""Outcomes: what the API answered, by route and status, expected or not.

Locust knows success and failure only; whether a shop sold out or sold is neither. Workers count
each request's status and hand the counts over with their reports; the master adds them up.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

KEY = "stampede_outcomes"
"""Where the counts stand in a worker's report."""

NO_ANSWER = 0
"""The status of a request that got no complete answer."""

Outcome = tuple[str, str, int]
"""Method, name and status."""


class Outcomes:
    """The counts of one worker since its last report, or on the master those of all of them in a run."""

    def __init__(self) -> None:
        self._counts: Counter[Outcome] = Counter()

    def clear(self) -> None:
        """Forget everything: a run begins."""
        self._counts.clear()

    def count(self, request_type: str, name: str, response: Any = None, **_: Any) -> None:
        """Count one request; the arguments are those of Locust's request event."""
        status = getattr(response, "status_code", None) or NO_ANSWER
        self._counts[request_type, name, status] += 1

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the counts into a worker's report, and begin anew."""
        report[KEY] = [(*outcome, count) for outcome, count in self._counts.items()]
        self._counts.clear()

    def add(self, report: dict[str, Any]) -> None:
        """Add what stands in a worker's report."""
        for method, name, status, count in report.get(KEY, ()):
            self._counts[method, name, status] += count

    def by_route(self) -> dict[str, dict[str, int]]:
        """``{"POST /orders/": {"201": 21000, "409": 310}}``; status "0" is no complete answer."""
        routes: dict[str, dict[str, int]] = {}
        for (method, name, status), count in sorted(self._counts.items()):
            routes.setdefault(f"{method} {name}", {})[str(status)] = count
        return routes

"""How many requests each worker has reported in a run: its own total, and what the master has counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stampede.cluster.delivery import KEY
from stampede.counting.latency import requests_in
from stampede.facts.run_json import ReportedRequests


class WorkerTotals:
    """The totals of one run."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._counted: dict[str, int] = {}
        self._stated: dict[str, int] = {}

    def add(self, worker: str, label: str, report: Mapping[str, Any]) -> None:
        """Add a report that was counted. A worker may have another label after it has joined again."""
        self._labels.setdefault(worker, label)
        self._counted[worker] = self._counted.get(worker, 0) + requests_in(report)
        if mark := report.get(KEY):
            self._stated[worker] = max(self._stated.get(worker, 0), mark["requests"])

    def facts(self) -> dict[str, ReportedRequests]:
        """Return the totals by worker label."""
        return {
            self._labels[worker]: ReportedRequests(counted=counted, stated=self._stated.get(worker, 0))
            for worker, counted in sorted(self._counted.items(), key=lambda each: self._labels[each[0]])
        }

"""Each report of a worker is counted exactly once, even if messages are lost or repeated.

A worker numbers its reports and keeps each one until the master has acknowledged it. It sends a report again
that is not acknowledged in time. The master counts each number once, and only reports of its current run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from gevent.event import Event

from stampede.counting.latency import requests_in

KEY = "stampede_report"
"""The key of a report's mark: its run, its number, and the number of requests in the run's reports so far."""

KEPT_NUMBERS = 1_000
"""Newest numbers of a worker's reports that are kept."""

Report = dict[str, Any]


class Loss(NamedTuple):
    """What may be missing of a lost worker."""

    last_report: float | None
    """The time of its last report, in seconds since the epoch; None where it never reported."""
    at_most: int
    """The largest number of requests that it can have made after that."""


class Outbox:
    """The reports of a worker that the master has not acknowledged yet."""

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._number = self._requests = 0
        self._pending: dict[int, tuple[float, Report]] = {}
        """When each report was last sent, by its number."""
        self._is_empty = Event()
        self._is_empty.set()

    def begin(self, run_id: str | None) -> None:
        """Assign all following reports to this run."""
        self._run_id = run_id
        self._requests = 0

    def keep(self, report: Report) -> None:
        """Add a mark to a report that is about to be sent, and keep it."""
        self._number += 1
        self._requests += requests_in(report)
        report[KEY] = {"run": self._run_id, "number": self._number, "requests": self._requests}
        self._pending[self._number] = (time.monotonic(), report)
        self._is_empty.clear()

    def acknowledge(self, number: int) -> None:
        """Drop a report that the master has acknowledged."""
        self._pending.pop(number, None)
        if not self._pending:
            self._is_empty.set()

    def take_overdue(self, seconds: float) -> list[Report]:
        """Return the reports that were sent more than so long ago, and mark them as sent again now."""
        now = time.monotonic()
        overdue = {number: report for number, (sent, report) in self._pending.items() if now - sent > seconds}
        self._pending.update({number: (now, report) for number, report in overdue.items()})
        return list(overdue.values())

    def wait_until_empty(self, seconds: float) -> bool:
        """Return whether all reports were acknowledged within this time."""
        return bool(self._is_empty.wait(seconds))


class Numbers:
    """The numbers of the reports of one worker that are counted: the newest, and that all older ones are.

    A worker sends a report that is not acknowledged again every three seconds. So a report is at most a few
    numbers late.
    """

    def __init__(self) -> None:
        self._newest: set[int] = set()
        self._all_until = 0

    def add(self, number: int) -> bool:
        """Add a number. Return False where it is there already."""
        if number <= self._all_until or number in self._newest:
            return False
        self._newest.add(number)
        if len(self._newest) > 2 * KEPT_NUMBERS:
            kept = sorted(self._newest)[-KEPT_NUMBERS:]
            self._newest, self._all_until = {*kept}, kept[0] - 1
        return True


class Inbox:
    """The numbers of the reports that a master has counted in its current run."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, run_id: str | None) -> None:
        """Accept only reports of this run from now on."""
        self._run_id = run_id
        self._numbers: defaultdict[str, Numbers] = defaultdict(Numbers)
        self._last_reports: dict[str, float] = {}
        self._most_requests = 0
        """In one report of any worker."""

    def accept(self, worker: str, report: Mapping[str, Any]) -> bool:
        """Return whether to count a report: it is of this run and was not counted before."""
        mark = report.get(KEY)
        if mark is None:  # between two runs
            return not requests_in(report)
        if mark["run"] != self._run_id or not self._numbers[worker].add(mark["number"]):
            return False
        self._last_reports[worker] = time.time()
        self._most_requests = max(self._most_requests, requests_in(report))
        return True

    def loss_of(self, worker: str) -> Loss:
        """Return what may be missing of a lost worker.

        `at_most` is twice the highest number of requests in one report of any worker. Workers have equal
        shares of the users, and a worker that dies in its first seconds has no report of its own.
        """
        return Loss(self._last_reports.get(worker), 2 * self._most_requests)

"""Each report of a worker counts, once, however the network was between it and the master.

A worker numbers its reports and keeps each until the master says that it has counted it; what waits too
long is sent again. The master counts each number once, and only those of its present run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from gevent.event import Event

KEY = "stampede_report"
"""Where run and number stand in a report."""

Report = dict[str, Any]


class Loss(NamedTuple):
    """What is missing of a worker that was lost."""

    last_report: float | None
    """When it last reported, in seconds since the epoch; None where it never did."""
    at_most: int
    """How many requests it may have made after that."""


class Outbox:
    """What a worker has reported, and the master has not acknowledged."""

    def __init__(self) -> None:
        self._run_id: str | None = None
        self._number = 0
        self._kept: dict[int, tuple[float, Report]] = {}
        self._is_empty = Event()
        self._is_empty.set()

    def begin(self, run_id: str | None) -> None:
        """What is reported from now on belongs to this run."""
        self._run_id = run_id

    def keep(self, report: Report) -> None:
        """Number a report that is about to be sent."""
        self._number += 1
        report[KEY] = {"run": self._run_id, "number": self._number}
        self._kept[self._number] = (time.monotonic(), report)
        self._is_empty.clear()

    def acknowledged(self, number: int) -> None:
        """The master has it."""
        self._kept.pop(number, None)
        if not self._kept:
            self._is_empty.set()

    def overdue(self, seconds: float) -> list[Report]:
        """Those that were sent so long ago; they count as sent anew."""
        now = time.monotonic()
        late = {number: report for number, (sent, report) in self._kept.items() if now - sent > seconds}
        self._kept.update({number: (now, report) for number, report in late.items()})
        return list(late.values())

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether all is acknowledged by then."""
        return bool(self._is_empty.wait(seconds))


class Inbox:
    """What the workers of a master have reported in its present run."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, run_id: str | None) -> None:
        """What belongs to another run is of no use from now on."""
        self._run_id = run_id
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._last: dict[str, float] = {}
        self._most = 0
        """Requests in one report."""

    def takes(self, worker: str, report: Mapping[str, Any]) -> bool:
        """Whether a report is to be counted: of this run, and not counted yet."""
        mark = report.get(KEY)
        if mark is None:  # a worker without the engine
            return True
        if mark["run"] != self._run_id or mark["number"] in self._seen[worker]:
            return False
        self._seen[worker].add(mark["number"])
        self._last[worker] = time.time()
        self._most = max(self._most, report["stats_total"]["num_requests"])
        return True

    def loss_of(self, worker: str) -> Loss:
        """Return what is missing of a worker that was lost. `at_most` is twice the most requests that any
        worker had in one report: workers share evenly, and the worker's own reports say nothing where it died
        in its first seconds."""
        return Loss(self._last.get(worker), 2 * self._most)

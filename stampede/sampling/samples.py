"""What all roles were like in a run, second by second, as the master collects it.

Workers report their rows (sampler.py), the master makes its own, the API's come with its counters
(counters.py), PostgreSQL's from the audit, which has a connection (stampede/audit/pulse.py).
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

from locust.runners import MasterRunner

from stampede.cluster import roster
from stampede.cluster.clocks import Clocks
from stampede.counting.latency import percentile
from stampede.sampling import machine
from stampede.sampling.hub_lag import Lags
from stampede.sampling.sampler import KEY, Row, Sampler

LATE_REPORT = 3.0
"""Seconds without a new report of a worker that is there: it reports every second."""

A_HICCUP = 5
"""Looks at a hub, a tenth of a second: in less than ten seconds they alone would be more than a hundredth."""

Packed = bytes
"""Lags of a second as they are kept, of each worker for the whole run: tenths of a ms, and how often."""


class Samples:
    """The rows of a run: of the workers and of the master."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._clocks = Clocks(runner)
        self._is_going_on = False
        self._forget()
        Sampler(self._keep_own).start()

    def begin(self) -> None:
        """A run begins."""
        self._forget()
        self._is_going_on = True

    def end(self) -> None:
        """All workers have reported: what comes now is not of the run."""
        self._is_going_on = False

    def _forget(self) -> None:
        self._clocks.begin()
        self._began = time.time()
        self._labels: dict[str, str] = {}
        self._heard: dict[str, float] = {}
        self._machines: set[str] = set()
        self._lags: defaultdict[str, dict[int, Packed]] = defaultdict(dict)
        self._own_lags: defaultdict[str, dict[int, Packed]] = defaultdict(dict)
        self.master: list[Row] = []
        self._workers: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, worker: str, report: Mapping[str, Any]) -> None:
        """A worker's report is in."""
        self._heard[worker] = time.monotonic()
        if KEY not in report or not self._is_going_on:
            return
        label, told = self._label(worker), report[KEY]
        self._machines |= {told["machine"]} - {None}
        for row in told["rows"]:
            if row["second"] >= int(self._began):
                figures = dict(row)
                self._lags[label][row["second"]] = _packed(figures.pop("hub_lags"))
                self._own_lags[label][row["second"]] = _packed(figures.pop("own_hub_lags"))
                self._workers[label].append(figures)

    def _label(self, worker: str) -> str:
        """Once and for all: a worker that has left has no index any more."""
        if worker not in self._labels:
            self._labels[worker] = roster.label(self._runner, worker)
        return self._labels[worker]

    def _keep_own(self, row: Row) -> None:
        """Once a second."""
        if self._is_going_on:
            figures = {name: value for name, value in row.items() if not name.endswith("hub_lags")}
            self.master.append({**figures, "reports_late": self._reports_late()})
            self._clocks.ask(roster.there(self._runner))

    def _reports_late(self) -> int:
        now = time.monotonic()
        return sum(
            now - self._heard.setdefault(worker, now) > LATE_REPORT
            for worker in roster.with_users(self._runner)
        )

    @property
    def workers(self) -> dict[str, list[Row]]:
        """The rows of each, by its label, in the order of their seconds."""
        return {
            label: sorted(rows, key=lambda row: row["second"])
            for label, rows in sorted(self._workers.items())
        }

    def clocks(self) -> dict[str, dict[str, float]]:
        """How far each worker's is ahead: stampede/cluster/clocks.py."""
        return self._clocks.facts(self._label)

    def hub_lag(self, seconds: Collection[int]) -> dict[str, dict[str, float | None]]:
        """Of each worker, in these seconds, since the epoch:
        ``{"0-ab12cd": {"p99_ms": 1.3, "max_ms": 20.1, "own_p99_ms": 0.9}}``: the last without what it waited
        for a core, None where the kernel does not tell."""
        worst: dict[str, dict[str, float | None]] = {}
        for label in sorted(self._lags):
            if lags := _in(self._lags[label], seconds):
                worst[label] = {
                    "p99_ms": _p99(lags),
                    "max_ms": max(lags),
                    "own_p99_ms": _p99(_in(self._own_lags[label], seconds)),
                }
        return worst

    def machine(self, of_api: Collection[str], host: str | None = None) -> dict[str, Any]:
        """Where it takes place: stampede/sampling/machine.py; `of_api` are the machines that the API told."""
        return machine.facts(self._machines, of_api, host)


def _p99(lags: Lags) -> float | None:
    """What 99 of 100 looks did not exceed; of few looks, what all but a hiccup's did not."""
    return percentile(lags, min(0.99, 1 - A_HICCUP / max(A_HICCUP, lags.total())))


def _packed(lags: Iterable[tuple[float, int]]) -> Packed:
    return array("I", chain.from_iterable((round(10 * lag), times) for lag, times in lags)).tobytes()


def _in(lags: Mapping[int, Packed], seconds: Iterable[int]) -> Lags:
    """Those of all of these seconds."""
    found: Lags = Counter()
    for second in seconds:
        numbers = iter(array("I", lags.get(second, b"")))
        for tenths, times in zip(numbers, numbers, strict=True):
            found[tenths / 10] += times
    return found

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
from msgspec import convert
from msgspec.structs import asdict

from stampede.cluster import roster
from stampede.cluster.clocks import Clocks
from stampede.counting.latency import percentile
from stampede.facts.samples import LATE_REPORT, ClockOffset, HubLag, Machine, MasterSample, ProcessSample
from stampede.sampling import machine
from stampede.sampling.hub_lag import Lags
from stampede.sampling.sampler import KEY, OwnReport, Row, Sampler

A_HICCUP = 5
"""Looks at a hub, a tenth of a second: in less than ten seconds they alone would be more than a hundredth."""

Packed = bytes
"""Lags of a second as they are kept, of each worker for the whole run: tenths of a ms, and how often."""


class SampleCollector:
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
        self.master: list[MasterSample] = []
        self._workers: defaultdict[str, list[ProcessSample]] = defaultdict(list)

    def add(self, worker: str, report: Mapping[str, Any]) -> None:
        """A worker's report is in."""
        self._heard[worker] = time.monotonic()
        if KEY not in report or not self._is_going_on:
            return
        label, own = self._label(worker), convert(report[KEY], OwnReport)
        if own.machine is not None:
            self._machines.add(own.machine)
        for row in own.rows:
            second = row.sample.second
            if second >= int(self._began):
                self._lags[label][second] = _packed(row.hub_lags)
                self._own_lags[label][second] = _packed(row.own_hub_lags)
                self._workers[label].append(row.sample)

    def _label(self, worker: str) -> str:
        """Once and for all: a worker that has left has no index any more."""
        if worker not in self._labels:
            self._labels[worker] = roster.label(self._runner, worker)
        return self._labels[worker]

    def _keep_own(self, row: Row) -> None:
        """Once a second."""
        if self._is_going_on:
            self.master.append(MasterSample(**asdict(row.sample), reports_late=self._reports_late()))
            self._clocks.ask(roster.there(self._runner))

    def _reports_late(self) -> int:
        now = time.monotonic()
        return sum(
            now - self._heard.setdefault(worker, now) > LATE_REPORT
            for worker in roster.with_users(self._runner)
        )

    @property
    def workers(self) -> dict[str, list[ProcessSample]]:
        """Return the rows of each, by its label, in the order of their seconds."""
        return {
            label: sorted(rows, key=lambda row: row.second) for label, rows in sorted(self._workers.items())
        }

    def clocks(self) -> dict[str, ClockOffset]:
        """Return how far each worker's clock is ahead: stampede/cluster/clocks.py."""
        return {
            self._label(worker): ClockOffset(
                offset_ms=round(1000 * offset, 2), uncertainty_ms=round(1000 * uncertainty, 2)
            )
            for worker, (offset, uncertainty) in self._clocks.worst().items()
        }

    def hub_lag(self, seconds: Collection[int]) -> dict[str, HubLag]:
        """Return how late the hub of each worker was in these seconds, since the epoch; by its label."""
        worst: dict[str, HubLag] = {}
        for label in sorted(self._lags):
            if lags := _in(self._lags[label], seconds):
                own = _p99(_in(self._own_lags[label], seconds))
                worst[label] = HubLag(p99_ms=_p99(lags), max_ms=max(lags), own_p99_ms=own)
        return worst

    def machine(self, of_api: Collection[str], host: str | None = None) -> Machine:
        """Return where the run takes place; `of_api` are the machines that the API reported."""
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

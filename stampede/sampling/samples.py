"""The samples of the workers and of the master in a run, second by second, as the master collects them.

Workers report their rows (sampler.py), and the master makes its own. Samples of the API come with its
counters (counters.py). Samples of PostgreSQL come from the audit, which has a connection
(stampede/audit/pulse.py).
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from locust.runners import MasterRunner
from msgspec import convert
from msgspec.structs import asdict

from stampede.cluster import roster
from stampede.cluster.clocks import Clocks
from stampede.counting.latency import percentile
from stampede.counting.steps import Part
from stampede.facts.samples import LATE_REPORT, ClockOffset, HubLag, Machine, MasterSample, ProcessSample
from stampede.sampling import machine
from stampede.sampling.hub_lag import Lags
from stampede.sampling.rows import Rows
from stampede.sampling.sampler import KEY, OwnReport, Row, Sampler

HICCUP_WAKES = 5
"""Wakes of a hub in a tenth of a second. In a window of less than ten seconds these are more than 1 % of all
wakes, so a single hiccup would decide the 99th percentile."""

Packed = bytes
"""All lags of a worker in a second, kept for the whole run: pairs of tenths of a ms and a number of wakes."""


class SampleCollector:
    """The rows of a run, of the workers and of the master."""

    def __init__(self, runner: MasterRunner) -> None:
        self._runner = runner
        self._clocks = Clocks(runner)
        self._is_running = False
        self._forget()
        Sampler(self._keep_own, lambda: self._is_running).start()

    def begin(self) -> None:
        """Begin to collect the rows of a run."""
        self._forget()
        self._is_running = True

    def end(self) -> None:
        """Ignore all later rows: every worker has sent its last report of the run."""
        self._is_running = False

    def _forget(self) -> None:
        self._clocks.begin()
        self._began = time.time()
        self._labels: dict[str, str] = {}
        self._last_reports: dict[str, float] = {}
        self._machines: set[str] = set()
        self._lags: defaultdict[str, dict[int, Packed]] = defaultdict(dict)
        self._own_lags: defaultdict[str, dict[int, Packed]] = defaultdict(dict)
        self._master: Rows[MasterSample] = Rows()
        self._workers: defaultdict[str, Rows[ProcessSample]] = defaultdict(Rows)

    def add(self, worker: str, report: Mapping[str, Any]) -> list[tuple[str, ProcessSample]]:
        """Add the rows of a worker's report; return those that were added, each with the worker's label."""
        self._last_reports[worker] = time.monotonic()
        if not self._is_running:
            return []
        label, own_report = self._label(worker), convert(report[KEY], OwnReport)
        if own_report.machine is not None:
            self._machines.add(own_report.machine)
        rows = [row for row in own_report.rows if row.sample.second >= int(self._began)]
        for row in rows:
            second = row.sample.second
            self._lags[label][second] = _pack(row.hub_lags)
            self._own_lags[label][second] = _pack(row.own_hub_lags)
            self._workers[label].append(row.sample)
        return [(label, row.sample) for row in rows]

    def _label(self, worker: str) -> str:
        """Return a worker's label. It is kept, as a worker that has left has no index any more."""
        if worker not in self._labels:
            self._labels[worker] = roster.label(self._runner, worker)
        return self._labels[worker]

    def _keep_own(self, row: Row) -> None:
        if self._is_running:
            self._master.append(MasterSample(**asdict(row.sample), reports_late=self._reports_late()))
            self._clocks.ask(roster.connected_workers(self._runner))

    def _reports_late(self) -> int:
        now = time.monotonic()
        return sum(
            now - self._last_reports.setdefault(worker, now) > LATE_REPORT
            for worker in roster.workers_with_users(self._runner)
        )

    @property
    def master(self) -> list[MasterSample]:
        """Return the master's own rows, in the order of their seconds."""
        return self._master.all

    @property
    def workers(self) -> dict[str, list[ProcessSample]]:
        """Return the rows of each worker, by its label, in the order of their seconds."""
        return {label: rows.all for label, rows in sorted(self._workers.items())}

    def reporting(self) -> Counter[int]:
        """Return how many workers have sent a row of each second that is not merged."""
        return Counter(second for rows in self._workers.values() for second in rows.seconds())

    @property
    def _series(self) -> Iterator[Rows[Any]]:
        return chain([self._master], self._workers.values())

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        for rows in self._series:
            rows.merge(part)
        self._move_lags(part, part.first)

    def join(self, part: Part, other: Part) -> None:
        """Add the rows of another part to those of a part."""
        for rows in self._series:
            rows.join(part, other)
        self._move_lags((part.first, other.first), part.first)

    def _move_lags(self, seconds: Iterable[int], to: int) -> None:
        """Move the lags of these seconds to one of them."""
        moved = [*seconds]
        for by_second in chain(self._lags.values(), self._own_lags.values()):
            lags = _lags_in(by_second, moved)
            for second in moved:
                by_second.pop(second, None)
            if lags:
                by_second[to] = _pack(lags.items())

    def clocks(self) -> dict[str, ClockOffset]:
        """Return how far each worker's clock was ahead at worst: stampede/cluster/clocks.py."""
        return {
            self._label(worker): ClockOffset(
                offset_ms=round(1000 * offset, 2), uncertainty_ms=round(1000 * uncertainty, 2)
            )
            for worker, (offset, uncertainty) in self._clocks.worst_offsets().items()
        }

    def hub_lag(self, seconds: Collection[int]) -> dict[str, HubLag]:
        """Return the lag of each worker's hub in these seconds, since the epoch, by the worker's label."""
        worst: dict[str, HubLag] = {}
        for label in sorted(self._lags):
            if lags := _lags_in(self._lags[label], seconds):
                own = _p99(_lags_in(self._own_lags[label], seconds))
                worst[label] = HubLag(p99_ms=_p99(lags), max_ms=max(lags), own_p99_ms=own)
        return worst

    def machine(self, api_machines: Collection[str], host: str | None = None) -> Machine:
        """Return the machine of the run; `api_machines` are the ids that the API reported."""
        return machine.facts(self._machines, api_machines, host)


def _p99(lags: Lags) -> float | None:
    """Return the 99th percentile; of few wakes, a lower one that leaves out a hiccup."""
    return percentile(lags, min(0.99, 1 - HICCUP_WAKES / max(HICCUP_WAKES, lags.total())))


def _pack(lags: Iterable[tuple[float, int]]) -> Packed:
    return array("I", chain.from_iterable((round(10 * lag), times) for lag, times in lags)).tobytes()


def _lags_in(lags: Mapping[int, Packed], seconds: Iterable[int]) -> Lags:
    """Return the lags of all these seconds."""
    total: Lags = Counter()
    for second in seconds:
        numbers = iter(array("I", lags.get(second, b"")))
        for tenths, times in zip(numbers, numbers, strict=True):
            total[tenths / 10] += times
    return total

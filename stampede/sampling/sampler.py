"""Samples of each worker and of the master: every process makes a row of figures of itself each second.

Workers hand their rows over with their reports; the master collects them in stampede/sampling/samples.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from msgspec import Struct, to_builtins

import cgroup
from stampede.counting.latency import percentile
from stampede.facts.samples import ProcessSample
from stampede.sampling.core_speed import same_work_ms
from stampede.sampling.hub_lag import HubLag
from stampede.sampling.usage import Usage, Used

KEY = "stampede_samples"
"""The key of the rows in a worker's report."""

LagPairs = list[tuple[float, int]]
"""Pairs of a hub's lag in ms and the number of wakes with this lag."""


class Row(Struct, frozen=True):
    """One second of a process: its sample, and all lags of its hub in that second."""

    sample: ProcessSample
    hub_lags: LagPairs
    own_hub_lags: LagPairs
    """The lags without the waits for a core."""


class OwnReport(Struct, frozen=True):
    """A worker's report of its own samples."""

    rows: list[Row]
    machine: str | None
    """The id of the worker's machine: cgroup.boot_id."""


LONGEST_STALL = 600
"""Seconds of a stall that have a row each. What seems longer is a clock that was set."""


class Sampler:
    """A sampler of this process, which runs as long as the process."""

    def __init__(self, keep: Callable[[Row], None], is_in_run: Callable[[], bool]) -> None:
        """Prepare to sample. `keep` receives the row of each second when the second is over."""
        self._keep = keep
        self._usage = Usage()
        self._hub_lag = HubLag(is_in_run=is_in_run)

    def start(self) -> None:
        """Sample from now on."""
        gevent.spawn(self._watch)

    def _watch(self) -> None:
        second = int(time.time())
        for now in self._hub_lag.watch():
            if now != second:
                usage, same_work = self._usage.measure(), same_work_ms()
                # Several after a stall: they get the same usage.
                for past in range(max(second, now - LONGEST_STALL), now):
                    self._keep(self._row(past, usage, same_work))
                second = now

    def _row(self, second: int, usage: Used, same_work: float) -> Row:
        lags, own = self._hub_lag.take(second), self._hub_lag.take_own(second)
        sample = ProcessSample(
            second=second,
            **usage._asdict(),
            same_work_ms=same_work,
            hub_lag_ms=max(lags, default=None),
            hub_lag_p99_ms=percentile(lags, 0.99),
        )
        return Row(sample, list(lags.items()), list(own.items()))


class OwnSamples:
    """The rows of a worker since its last report."""

    def __init__(self, is_in_run: Callable[[], bool]) -> None:
        self._rows: list[Row] = []
        self._machine = cgroup.boot_id()
        Sampler(self._rows.append, is_in_run).start()

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the rows into a worker's report, with the id of its machine."""
        report[KEY] = to_builtins(OwnReport(self._rows, self._machine))
        self._rows.clear()

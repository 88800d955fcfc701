"""What each worker and the master are like, second by second: a row of figures of itself, made by itself.

Workers hand theirs over with their reports; the master collects them: stampede/sampling/samples.py.
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
"""Where the rows stand in a worker's report."""

LagPairs = list[tuple[float, int]]
"""How often a hub was so late: milliseconds, and how many times."""


class Row(Struct, frozen=True):
    """A second of a process: its sample, and every lag of its hub in that second."""

    sample: ProcessSample
    hub_lags: LagPairs
    own_hub_lags: LagPairs
    """Without what the process waited for a core."""


class OwnReport(Struct, frozen=True):
    """What a worker reports of itself."""

    rows: list[Row]
    machine: str | None
    """Which machine it runs on: cgroup.machine."""


class Sampler:
    """Samples this process for as long as it lives."""

    def __init__(self, keep: Callable[[Row], None]) -> None:
        """`keep` gets the row of each second when it is over."""
        self._keep = keep
        self._usage = Usage()
        self._hub_lag = HubLag()

    def start(self) -> None:
        """Sample from now on."""
        gevent.spawn(self._watch)

    def _watch(self) -> None:
        second = int(time.time())
        for now in self._hub_lag.watch():
            if now != second:
                usage, same_work = self._usage.look(), same_work_ms()
                for passed in range(second, now):  # several where it was stalled: they are alike
                    self._keep(self._row(passed, usage, same_work))
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
    """A worker's rows since its last report."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._machine = cgroup.machine()
        Sampler(self._rows.append).start()

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the rows into a worker's report, and where it runs; begin again."""
        report[KEY] = to_builtins(OwnReport(self._rows, self._machine))
        self._rows.clear()

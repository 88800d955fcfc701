"""What each worker and the master are like, second by second: a row of figures of itself, made by itself.

Workers hand theirs over with their reports; the master collects them: stampede/sampling/samples.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent

import cgroup
from stampede.counting.latency import percentile
from stampede.sampling.core_speed import same_work_ms
from stampede.sampling.hub_lag import HubLag
from stampede.sampling.usage import Usage

KEY = "stampede_samples"
"""Where the rows stand in a worker's report."""

Row = dict[str, Any]
"""``second``, the figures of usage.py, ``same_work_ms`` (core_speed.py), ``hub_lag_ms`` (the worst),
``hub_lag_p99_ms``, and ``hub_lags``, all of them, and ``own_hub_lags``: pairs of milliseconds and how
often."""


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
                usage = {**self._usage.look(), "same_work_ms": same_work_ms()}
                for passed in range(second, now):  # several where it was held up: they are alike
                    self._keep(self._row(passed, usage))
                second = now

    def _row(self, second: int, usage: dict[str, Any]) -> Row:
        lags = self._hub_lag.take(second)
        figures = {"hub_lag_ms": max(lags, default=None), "hub_lag_p99_ms": percentile(lags, 0.99)}
        own = self._hub_lag.take_own(second)
        all_of_them = {"hub_lags": list(lags.items()), "own_hub_lags": list(own.items())}
        return {"second": second, **usage, **figures, **all_of_them}


class OwnSamples:
    """A worker's rows since its last report."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._machine = cgroup.machine()
        Sampler(self._rows.append).start()

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the rows into a worker's report, and where it runs; begin anew."""
        report[KEY] = {"rows": list(self._rows), "machine": self._machine}
        self._rows.clear()

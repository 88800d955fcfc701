"""How much CPU and memory this process uses, and how much its container limits it.

A worker, like a master, is one process on one core. CPU is that of this process alone, without health checks
and the audit. Memory is that of the container where it is limited, since the limit applies to the whole
container. Otherwise it is that of the process.
"""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

import psutil

from cgroup import Cgroup
from stampede.sampling.run_queue import RunQueue

MEGABYTE = 1024 * 1024


class Used(NamedTuple):
    """What was used between two measurements. The fields are those of ProcessSample."""

    cpu_percent: float | None
    cpu_limit_cores: float | None
    memory_mb: float | None
    memory_limit_mb: float | None
    throttled_percent: float | None
    waited_percent: float | None


class Usage:
    """The usage of this process between two measurements."""

    def __init__(self, cgroup: Cgroup | None = None) -> None:
        self._cgroup = cgroup or Cgroup()
        self._process = psutil.Process()
        self._run_queue = RunQueue()
        self._last_clocks = self._clocks()

    def measure(self) -> Used:
        """Return what was used since the last measurement."""
        before, self._last_clocks = self._last_clocks, self._clocks()
        elapsed, used, throttled, waited = (
            None if earlier is None or now is None else now - earlier
            for now, earlier in zip(self._last_clocks, before, strict=True)
        )
        limit = self._cgroup.memory_limit()
        throttled_percent = percent(throttled, elapsed)
        return Used(
            cpu_percent=percent(used, elapsed),
            cpu_limit_cores=self._cgroup.cpu_limit(),
            memory_mb=megabytes(self._cgroup.memory_used() if limit else self._own_memory()),
            memory_limit_mb=megabytes(limit),
            # Version 1 of control groups adds up the waits of all cores, which can exceed the time passed.
            throttled_percent=None if throttled_percent is None else min(100.0, throttled_percent),
            waited_percent=percent(waited, elapsed),
        )

    def _own_memory(self) -> int | None:
        """Return the memory in bytes, or None while users have taken all file descriptors."""
        with contextlib.suppress(OSError):
            return int(self._process.memory_info().rss)
        return None

    def _clocks(self) -> tuple[float, float, float | None, float | None]:
        return (
            time.monotonic(),
            time.process_time(),
            self._cgroup.throttled_seconds(),
            self._run_queue.waited(),
        )


def percent(part: float | None, whole: float | None) -> float | None:
    """Return a share in percent, rounded to a tenth; None where one number is unknown."""
    return round(100 * part / whole, 1) if part is not None and whole else None


def megabytes(size: float | None) -> float | None:
    """Return a number of bytes in MiB, rounded to a tenth."""
    return None if size is None else round(size / MEGABYTE, 1)

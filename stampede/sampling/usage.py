"""What this process uses: CPU, memory, and how much its container holds it back.

A worker is one process that runs on one core, and so is a master: CPU is theirs, not that of the health
checks and the audit beside them. Memory is their container's where that is limited, as the limit is for all
of it; else the process's.
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
    """What was used from one look to the next: the fields of ProcessSample of these names."""

    cpu_percent: float | None
    cpu_limit_cores: float | None
    memory_mb: float | None
    memory_limit_mb: float | None
    throttled_percent: float | None
    waited_percent: float | None


class Usage:
    """Of this process, from one look to the next."""

    def __init__(self, cgroup: Cgroup | None = None) -> None:
        self._cgroup = cgroup or Cgroup()
        self._process = psutil.Process()
        self._run_queue = RunQueue()
        self._looked = self._clocks()

    def look(self) -> Used:
        """Return what was used since the last look."""
        before, self._looked = self._looked, self._clocks()
        elapsed, used, throttled, waited = (
            None if then is None or now is None else now - then
            for now, then in zip(self._looked, before, strict=True)
        )
        limit = self._cgroup.memory_limit()
        throttled_percent = percent(throttled, elapsed)
        return Used(
            cpu_percent=percent(used, elapsed),
            cpu_limit_cores=self._cgroup.cpu_limit(),
            memory_mb=megabytes(self._cgroup.memory() if limit else self._own_memory()),
            memory_limit_mb=megabytes(limit),
            # Version 1 adds up what the threads on each core waited.
            throttled_percent=None if throttled_percent is None else min(100.0, throttled_percent),
            waited_percent=percent(waited, elapsed),
        )

    def _own_memory(self) -> int | None:
        """Bytes; None while users have taken all the file descriptors that there are."""
        with contextlib.suppress(OSError):
            return int(self._process.memory_info().rss)
        return None

    def _clocks(self) -> tuple[float, float, float | None, float | None]:
        return time.monotonic(), time.process_time(), self._cgroup.throttled(), self._run_queue.waited()


def percent(part: float | None, whole: float | None) -> float | None:
    """Rounded to a tenth; None where one of them is unknown."""
    return round(100 * part / whole, 1) if part is not None and whole else None


def megabytes(count: float | None) -> float | None:
    """Of so many bytes, rounded to a tenth."""
    return None if count is None else round(count / MEGABYTE, 1)

"""What the API's processes use together, under the names that Prometheus's clients and cAdvisor give it.
It is read when somebody asks.

All of them are children of run_api.py's, which adds up the time of those that have ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.registry import Collector

from cgroup import Cgroup, machine

PROC = Path("/proc")

Stat = list[int]
"""Of a process, what stands in /proc/<pid>/stat behind its name and state."""
TIME, TIME_OF_ENDED_CHILDREN = slice(10, 12), slice(12, 14)
"""User and system, in ticks."""
RESIDENT = 20
"""In pages."""


class Usage(Collector):
    """Of the process `parent` and its children. Not on Linux nothing of it is known."""

    def __init__(self, parent: int, cgroup: Cgroup | None = None) -> None:
        self._parent = parent
        self._cgroup = cgroup or Cgroup()

    def collect(self) -> Iterator[Metric]:
        if own := stat(self._parent):
            everybody = [own, *filter(None, map(stat, children(self._parent)))]
            ticks = sum(sum(each[TIME]) for each in everybody) + sum(own[TIME_OF_ENDED_CHILDREN])
            seconds = ticks / os.sysconf("SC_CLK_TCK")
            yield CounterMetricFamily(
                "process_cpu_seconds", "Of all processes, ended ones too", value=seconds
            )
            size = sum(each[RESIDENT] for each in everybody) * os.sysconf("SC_PAGE_SIZE")
            yield gauge("process_resident_memory_bytes", "Of all processes", size)
        yield from self._container()
        if boot_id := machine():
            yield InfoMetricFamily("machine", "What it runs on", {"boot_id": boot_id})

    def _container(self) -> Iterator[Metric]:
        """Its limits, and what is measured by them."""
        if (throttled := self._cgroup.throttled()) is not None:
            name = "container_cpu_cfs_throttled_seconds"
            yield CounterMetricFamily(name, "Held back by its CPU limit", value=throttled)
        if cores := self._cgroup.cpu_limit():
            yield gauge("container_spec_cpu_quota", "Microseconds of CPU in each period", cores * 100_000)
            yield gauge("container_spec_cpu_period", "In microseconds", 100_000)
        if limit := self._cgroup.memory_limit():
            yield gauge("container_spec_memory_limit_bytes", "Of memory, what it may use", limit)
            used = self._cgroup.memory() or 0
            yield gauge("container_memory_working_set_bytes", "Of memory, what counts towards that", used)


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def stat(process: int) -> Stat | None:
    """None where there is no such process any more."""
    with suppress(OSError):
        behind_name = (PROC / str(process) / "stat").read_text().rpartition(")")[2]
        return [int(word) for word in behind_name.split()[1:]]
    return None


def children(process: int) -> list[int]:
    found: list[int] = []
    for thread in (PROC / str(process) / "task").glob("*/children"):
        with suppress(OSError):  # it has ended meanwhile
            found += map(int, thread.read_text().split())
    return found


def forget_ended_processes() -> None:
    """What they counted stays; how many requests they had at work does not."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if stat(process) is None:
            mark_process_dead(process)  # type: ignore[no-untyped-call]

"""The CPU time and memory that all processes of the API use together, and the limits of their container.

The metrics have the names that Prometheus's client libraries and cAdvisor use. They are read on each scrape.
All processes are children of the one that runs run_api.py; its entry in /proc includes the CPU time of ended
children.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.registry import Collector

from cgroup import Cgroup, boot_id

PROC = Path("/proc")

Stat = list[int]
"""The fields of /proc/<pid>/stat after the name and the state."""
TIME, TIME_OF_ENDED_CHILDREN = slice(10, 12), slice(12, 14)
"""User and system time, in ticks."""
RESIDENT = 20
"""Resident memory, in pages."""


class Usage(Collector):
    """The usage of the process `parent` and its children; only Linux reports it."""

    def __init__(self, parent: int, cgroup: Cgroup | None = None) -> None:
        self._parent = parent
        self._cgroup = cgroup or Cgroup()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics that this machine reports."""
        if parent := stat(self._parent):
            stats = [parent, *filter(None, map(stat, children(self._parent)))]
            ticks = sum(sum(process[TIME]) for process in stats) + sum(parent[TIME_OF_ENDED_CHILDREN])
            seconds = ticks / os.sysconf("SC_CLK_TCK")
            yield CounterMetricFamily(
                "process_cpu_seconds", "CPU time of all processes, ended ones included", value=seconds
            )
            size = sum(process[RESIDENT] for process in stats) * os.sysconf("SC_PAGE_SIZE")
            yield gauge("process_resident_memory_bytes", "Resident memory of all processes", size)
        yield from self._container()
        if id_ := boot_id():
            yield InfoMetricFamily("machine", "The machine that runs the API", {"boot_id": id_})

    def _container(self) -> Iterator[Metric]:
        """Yield the limits of the container, and what counts towards them."""
        if (throttled := self._cgroup.throttled_seconds()) is not None:
            name = "container_cpu_cfs_throttled_seconds"
            yield CounterMetricFamily(name, "Seconds in which the CPU limit stopped it", value=throttled)
        if cores := self._cgroup.cpu_limit():
            yield gauge("container_spec_cpu_quota", "CPU limit: microseconds in a period", cores * 100_000)
            yield gauge("container_spec_cpu_period", "Length of a period in microseconds", 100_000)
        if limit := self._cgroup.memory_limit():
            yield gauge("container_spec_memory_limit_bytes", "Memory limit", limit)
            used = self._cgroup.memory_used() or 0
            yield gauge("container_memory_working_set_bytes", "Memory that counts towards the limit", used)


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge with one value."""
    return GaugeMetricFamily(name, text, value=value)


def stat(process: int) -> Stat | None:
    """Return the fields of a process; None if it has ended."""
    with suppress(OSError):
        # The name is in parentheses, and may itself contain spaces and parentheses.
        after_name = (PROC / str(process) / "stat").read_text().rpartition(")")[2]
        return [int(word) for word in after_name.split()[1:]]
    return None


def children(process: int) -> list[int]:
    """Return the ids of the process's children."""
    ids: list[int] = []
    for thread in (PROC / str(process) / "task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            ids += map(int, thread.read_text().split())
    return ids


def forget_ended_processes() -> None:
    """Remove the gauges of ended processes, such as requests in progress; their counters stay."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        if stat(process) is None:
            mark_process_dead(process)  # type: ignore[no-untyped-call]

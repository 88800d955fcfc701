"""How the API is, second by second, from what it tells of itself beside its counters.

The names are those that Prometheus's clients and cAdvisor use, so the API of somebody else may tell some of
them too: `process_cpu_seconds_total` most of all. What it does not tell is None.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable

from stampede.facts.samples import ApiSample
from stampede.sampling.usage import megabytes, percent

GAUGES = {
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "container_memory_working_set_bytes",
    "container_spec_memory_limit_bytes",
    "container_spec_cpu_quota",
    "container_spec_cpu_period",
    "container_cpu_cfs_throttled_seconds_total",
    "http_requests_in_flight",
    "http_requests_waiting",
    "database_connections",
    "database_connections_in_use",
    "database_connection_waits_total",
}

_SAMPLE = re.compile(rf"^({'|'.join(sorted(GAUGES))})(?:\s*\{{.*\}})?\s+(\S+)", re.MULTILINE)
_MACHINE = re.compile(r'^machine_info\{boot_id="([^"]*)"\}', re.MULTILINE)

Gauges = dict[str, float]
Figures = dict[str, float | None]
"""Of an API, by the names of the fields of ApiSample."""


def read_gauges(text: str) -> Gauges:
    """Of an answer in Prometheus's format; samples that differ in labels are added up.

    Raises ValueError for one that is no number.
    """
    gauges: Gauges = {}
    for name, value in _SAMPLE.findall(text):
        gauges[name] = gauges.get(name, 0.0) + float(value)
    return gauges


def read_machine(text: str) -> str | None:
    """Which one it runs on, as cgroup.machine has it."""
    found = _MACHINE.search(text)
    return found[1] if found else None


class ApiSamples:
    """The rows of an API that may answer at several addresses: of all together."""

    def __init__(self) -> None:
        self.rows: list[ApiSample] = []
        self._last: dict[Hashable, tuple[float, Gauges]] = {}
        self._new: list[Figures] = []

    def take(self, address: Hashable, gauges: Gauges, asked: float) -> None:
        """One address has answered what it was `asked` for then, in seconds since the epoch."""
        before, self._last[address] = self._last.get(address), (asked, gauges)
        if gauges and before and asked > before[0]:
            self._new.append(figures(before[1], gauges, asked - before[0]))

    def close(self, second: int) -> None:
        """All who do answer have: that was this second."""
        if self._new:
            self.rows.append(ApiSample(second=second, **added_up(self._new)))
        self._new.clear()


def figures(before: Gauges, now: Gauges, seconds: float) -> Figures:
    """Return the fields of a sample of one address, from two answers that lie so many seconds apart."""

    def per_second(name: str) -> float | None:
        counted = now[name] - before[name] if name in before and name in now else -1.0
        return counted / seconds if counted >= 0 else None  # less than before: it has begun anew

    quota, limit = now.get("container_spec_cpu_quota"), now.get("container_spec_memory_limit_bytes")
    memory = now.get("container_memory_working_set_bytes", now.get("process_resident_memory_bytes"))
    return {
        "cpu_percent": percent(per_second("process_cpu_seconds_total"), 1.0),
        "cpu_limit_cores": quota / now.get("container_spec_cpu_period", 100_000) if quota else None,
        "memory_mb": megabytes(memory),
        "memory_limit_mb": megabytes(limit),
        "throttled_percent": percent(per_second("container_cpu_cfs_throttled_seconds_total"), 1.0),
        "in_flight": now.get("http_requests_in_flight"),
        "waiting": now.get("http_requests_waiting"),
        "pool_in_use": now.get("database_connections_in_use"),
        "pool_size": now.get("database_connections"),
        "pool_waits": per_second("database_connection_waits_total"),
    }


def added_up(each: Iterable[Figures]) -> Figures:
    """Return the figures of several addresses as one. Of throttled, that of the one that was most."""
    columns: dict[str, list[float]] = {}
    for of_one in each:
        for name, value in of_one.items():
            columns.setdefault(name, []).extend([] if value is None else [value])
    return {
        name: round((max if name == "throttled_percent" else sum)(values), 2) if values else None
        for name, values in columns.items()
    }

"""The state of the API, second by second, from the gauges next to its request counters.

The names are those of Prometheus's clients and cAdvisor, so other APIs may have some of them too, above all
`process_cpu_seconds_total`. A figure is None where the API does not report it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from stampede.facts.samples import ApiSample
from stampede.sampling.rows import Rows
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

Gauges = dict[str, float]
"""The values of an API, by the names in GAUGES."""
Figures = dict[str, float | None]
"""The fields of an ApiSample, by their names."""


class ApiSamples:
    """The samples of an API, of all its addresses together."""

    def __init__(self) -> None:
        self.rows: Rows[ApiSample] = Rows()
        self._last: dict[Hashable, tuple[float, Gauges]] = {}
        self._new: list[Figures] = []

    def add(self, address: Hashable, gauges: Gauges, asked: float) -> None:
        """Add the answer of one address to the request at `asked`, in seconds since the epoch."""
        before, self._last[address] = self._last.get(address), (asked, gauges)
        if gauges and before and asked > before[0]:
            self._new.append(figures(before[1], gauges, asked - before[0]))

    def close(self, second: int) -> None:
        """Make the row of a second from the answers since the last row."""
        if self._new:
            figures_of_all: dict[str, Any] = {**combined(self._new)}
            self.rows.append(ApiSample(second=second, **figures_of_all))
        self._new.clear()


def figures(before: Gauges, now: Gauges, seconds: float) -> Figures:
    """Return the fields of a sample of one address, from two answers this many seconds apart."""

    def per_second(name: str) -> float | None:
        growth = now[name] - before[name] if name in before and name in now else -1.0
        return growth / seconds if growth >= 0 else None  # a counter that falls is that of a new process

    # A period below 1 µs, which no kernel has, could make the quotient infinite.
    quota, limit = now.get("container_spec_cpu_quota"), now.get("container_spec_memory_limit_bytes")
    memory = now.get("container_memory_working_set_bytes", now.get("process_resident_memory_bytes"))
    return {
        "cpu_percent": percent(per_second("process_cpu_seconds_total"), 1.0),
        "cpu_limit_cores": quota / max(1.0, now.get("container_spec_cpu_period", 100_000)) if quota else None,
        "memory_mb": megabytes(memory),
        "memory_limit_mb": megabytes(limit),
        "throttled_percent": percent(per_second("container_cpu_cfs_throttled_seconds_total"), 1.0),
        "in_flight": now.get("http_requests_in_flight"),
        "waiting": now.get("http_requests_waiting"),
        "pool_in_use": now.get("database_connections_in_use"),
        "pool_size": now.get("database_connections"),
        "pool_waits": per_second("database_connection_waits_total"),
    }


def combined(addresses: Iterable[Figures]) -> Figures:
    """Return the sums of the figures of several addresses; of `throttled_percent`, the highest."""
    columns: dict[str, list[float]] = {}
    for of_address in addresses:
        for name, value in of_address.items():
            columns.setdefault(name, []).extend([] if value is None else [value])
    return {
        name: round((max if name == "throttled_percent" else sum)(values), 2) if values else None
        for name, values in columns.items()
    }

"""Samples of the machines and the roles in ``run.json``, one a second. None means not known.

In the older part of a long run a row is of several seconds: stampede/sampling/rows.py.
"""

from __future__ import annotations

from msgspec import Struct, field


class Sample(Struct, kw_only=True, frozen=True):
    """The figures that every role has, for one second."""

    second: int
    """Seconds since the epoch."""
    seconds: int = 1
    """How many seconds it is of: it is the first of them. Figures are means, or the highest of them."""
    cpu_percent: float | None = None
    """Percent of one core."""
    cpu_limit_cores: float | None = None
    """How many cores its container may use; None where there is no limit."""
    memory_mb: float | None = None
    memory_limit_mb: float | None = None
    throttled_percent: float | None = None
    """Percent of the second in which its container had to wait, as it had used up its CPU limit."""


class ProcessSample(Sample, kw_only=True, frozen=True):
    """A sample of a worker or of the master."""

    waited_percent: float | None = None
    """Percent of the second in which the process was ready to run and got no core."""
    same_work_ms: float | None = None
    """How long a core took for the same piece of work: stampede/sampling/core_speed.py."""
    hub_lag_ms: float | None = None
    """How late greenlets woke: the longest delay of the second."""
    hub_lag_p99_ms: float | None = None


LATE_REPORT = 3.0
"""Seconds after which a report of a worker, or a sample of the master, is late: one is due each second."""


class MasterSample(ProcessSample, kw_only=True, frozen=True):
    """A sample of the master."""

    reports_late: int
    """Number of workers with users whose newest report is older than LATE_REPORT."""
    late_seconds: int = 0
    """In how many of several seconds there were such workers."""

    @property
    def seconds_late(self) -> int:
        """Return in how many seconds there were such workers."""
        return self.late_seconds or int(self.reports_late > 0)


class ApiSample(Sample, kw_only=True, frozen=True):
    """A sample of the API from its ``/metrics``, for all its addresses together."""

    in_flight: float | None = None
    """Requests that the API is working on."""
    waiting: float | None = None
    """Requests that wait until the API starts on them."""
    pool_in_use: float | None = None
    """Database connections in use."""
    pool_size: float | None = None
    pool_waits: float | None = None
    """Requests per second that had to wait for a connection."""


class DatabaseSample(Sample, kw_only=True, frozen=True):
    """A sample of PostgreSQL, as the audit reports it."""

    connections: dict[str, int] | None = None
    """Number of connections in each state."""
    max_connections: int | None = None
    waits: dict[str, int | float] | None = None
    """Number of sessions that wait for each event: ``{"Lock:transactionid": 3}``."""
    commits: float | None = None
    """Per second, like `rollbacks` and `deadlocks`."""
    rollbacks: float | None = None
    deadlocks: float | None = None
    locks_waiting: int | None = None
    """Number of sessions that wait for a lock."""
    cache_hit_percent: float | None = None
    size_mb: float | None = None


class Samples(Struct, kw_only=True, frozen=True):
    """The samples of each role, in the order of their seconds: docs/samples.md."""

    api: list[ApiSample] = field(default_factory=list)
    postgres: list[DatabaseSample] = field(default_factory=list)
    master: list[MasterSample] = field(default_factory=list)
    workers: dict[str, list[ProcessSample]] = field(default_factory=dict)
    """By worker label."""


class Machine(Struct, kw_only=True, frozen=True):
    """The machine of the run, as far as the master knows it."""

    cores: int | None = None
    memory_mb: float | None = None
    generator_shares_cores: bool | None = None
    """Whether a worker and the API run on the same machine."""
    python: str | None = None
    locust: str | None = None
    kernel: str | None = None
    id: str | None = None
    """The same for all containers and processes on one kernel."""


class ClockOffset(Struct, kw_only=True, frozen=True):
    """The largest offset of a worker's clock during the run; positive where it was ahead of the master's."""

    offset_ms: float
    uncertainty_ms: float
    """By how much the offset can be wrong, in either direction."""


class HubLag(Struct, kw_only=True, frozen=True):
    """How late the greenlets of a worker woke in the window."""

    p99_ms: float | None
    max_ms: float | None
    own_p99_ms: float | None = None
    """Without the time that the worker waited for a core; None where the kernel does not report it."""


class Statement(Struct, kw_only=True, frozen=True):
    """A database function that took much time in the run. The times include waits for locks."""

    statement: str
    calls: int | None = None
    total_ms: float | None = None
    mean_ms: float | None = None

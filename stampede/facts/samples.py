"""What the machines and the roles were like in ``run.json``, second by second. None is: not known."""

from __future__ import annotations

from msgspec import Struct, field


class Sample(Struct, kw_only=True, frozen=True):
    """What every role has, for one second."""

    second: int
    """Since the epoch."""
    cpu_percent: float | None = None
    """Of one core."""
    cpu_limit_cores: float | None = None
    """What its container may use; None where there is no limit."""
    memory_mb: float | None = None
    memory_limit_mb: float | None = None
    throttled_percent: float | None = None
    """Of the second: how long its container had to wait because it had used up its CPU."""


class ProcessSample(Sample, kw_only=True, frozen=True):
    """Of a worker, or of the master."""

    waited_percent: float | None = None
    """Of the second: how long the process could have gone on and got no core."""
    same_work_ms: float | None = None
    """How long the same piece of work took a core: stampede/sampling/core_speed.py."""
    hub_lag_ms: float | None = None
    """How late greenlets woke: the worst of the second."""
    hub_lag_p99_ms: float | None = None


LATE_REPORT = 3.0
"""Seconds after which a report is late, of a worker or of the master on itself: one is due each second."""


class MasterSample(ProcessSample, kw_only=True, frozen=True):
    """Of the master."""

    reports_late: int
    """Workers with users whose newest report is older than LATE_REPORT."""


class ApiSample(Sample, kw_only=True, frozen=True):
    """Of the API, as far as it reports it at ``/metrics``; of all its addresses together."""

    in_flight: float | None = None
    """Requests at work in it."""
    waiting: float | None = None
    """Requests that are not begun."""
    pool_in_use: float | None = None
    """Database connections in use."""
    pool_size: float | None = None
    pool_waits: float | None = None
    """Requests per second that had to wait for a connection."""


class DatabaseSample(Sample, kw_only=True, frozen=True):
    """Of PostgreSQL, as the audit reports it."""

    connections: dict[str, int] | None = None
    """By state."""
    max_connections: int | None = None
    waits: dict[str, int] | None = None
    """How many sessions wait for what: ``{"Lock:transactionid": 3}``."""
    commits: float | None = None
    """Per second, as the two that follow."""
    rollbacks: float | None = None
    deadlocks: float | None = None
    locks_waiting: int | None = None
    """How many sessions wait for a lock."""
    cache_hit_percent: float | None = None
    size_mb: float | None = None


class Samples(Struct, kw_only=True, frozen=True):
    """A row for each second of each role; docs/samples.md."""

    api: list[ApiSample] = field(default_factory=list)
    postgres: list[DatabaseSample] = field(default_factory=list)
    master: list[MasterSample] = field(default_factory=list)
    workers: dict[str, list[ProcessSample]] = field(default_factory=dict)
    """By the workers' labels."""


class Machine(Struct, kw_only=True, frozen=True):
    """Where the run took place, as far as the master knows."""

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
    """How far a worker's clock was ahead of the master's, when it was furthest from right."""

    offset_ms: float
    uncertainty_ms: float
    """By how much the offset can be wrong."""


class HubLag(Struct, kw_only=True, frozen=True):
    """How late greenlets of a worker woke in the window."""

    p99_ms: float | None
    max_ms: float | None
    own_p99_ms: float | None = None
    """Without the time that the worker waited for a core; None where the kernel does not report it."""


class Statement(Struct, kw_only=True, frozen=True):
    """A function of the database that took much time in the run, waits for locks included."""

    statement: str
    calls: int | None = None
    total_ms: float | None = None
    mean_ms: float | None = None

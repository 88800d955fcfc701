"""Pressures: how near CPU, queues, locks and commits of a run were to their limits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean, median
from typing import NamedTuple

from stampede.facts.run_json import Facts
from stampede.facts.samples import ApiSample, DatabaseSample, Sample
from stampede.report import formatting, series
from stampede.report.series import Role
from stampede.verdict.kept_up import MOST_LAG_MS, MOST_THROTTLED_PERCENT

BUSY = 0.85
"""Share of a resource's limit from which on it delays all else: queues grow long before 1."""

WAITING = 0.4
"""Share of the busy database sessions that wait for the same thing, from which on it is at its limit."""

LOCKS, COMMITS = ("Lock:",), ("IO:WalSync", "IO:WalWrite", "LWLock:WALWrite", "IPC:SyncRep")
IDLE = ("Client:", "Activity:")
"""Wait events of idle sessions."""


class Pressure(NamedTuple):
    """One thing that can delay a run."""

    share: float
    """Of its limit: from 1 on, it delays all else."""
    text: str
    kind: str
    """Only the worst of each kind is reported: eight busy workers are one problem."""


SecondFilter = Callable[[int], bool]
"""Returns whether a second, since the epoch, is relevant."""


def worst_of_each_kind(all_pressures: Iterable[Pressure]) -> list[Pressure]:
    """Return the worst pressure of each kind, the worst of all first."""
    kinds: dict[str, Pressure] = {}
    for pressure in sorted(all_pressures, key=lambda pressure: (-pressure.share, pressure.text)):
        kinds.setdefault(pressure.kind, pressure)
    return list(kinds.values())


def pressures(run: Facts, is_relevant: SecondFilter) -> Iterator[Pressure]:
    """Yield all pressures that are known for the relevant seconds."""
    cores = run.machine.cores
    for role in series.roles(run):
        rows = [row for row in role.rows if is_relevant(row.second)]
        if rows:
            yield from _of_role(role, rows, cores)
    yield from _of_machine(run, is_relevant, cores)
    yield from _of_api([row for row in run.samples.api if is_relevant(row.second)])
    yield from _of_database([row for row in run.samples.postgres if is_relevant(row.second)])


def _of_role(role: Role, rows: Sequence[Sample], cores: int | None) -> Iterator[Pressure]:
    generates = role.key in ("worker", "master")
    limit = 1.0 if generates else rows[-1].cpu_limit_cores or cores
    used = series.mean(rows, "cpu_percent")
    if used is not None and limit:
        # A generator is one process with one thread: it can use one core, or less where its limit is lower.
        limit = min(limit, rows[-1].cpu_limit_cores or limit)
        share = used / 100 / limit
        text = (
            f"CPU of {_the(role)}: {formatting.percent(share)} of {formatting.number(limit)} "
            f"{'core' if limit == 1 else 'cores'}, {formatting.percent(_peak(rows) / limit)} at its most"
        )
        yield Pressure(share / BUSY, text, f"cpu of {role.key}")
    throttled = series.mean(rows, "throttled_percent")
    if throttled is not None:
        time = formatting.percent(throttled / 100)
        text = f"{_the(role)} was throttled by its limit of CPU for {time} of the time"
        yield Pressure(throttled / MOST_THROTTLED_PERCENT, text, f"throttled {role.key}")
    late = series.values(rows, "hub_lag_p99_ms") if generates else []
    if late:
        usual, worst = formatting.number(median(late)), formatting.number(max(late))
        text = f"{_the(role)}: event loop lag p99 {usual} ms, {worst} ms in its worst second"
        yield Pressure(median(late) / MOST_LAG_MS, text, "late")


def _the(role: Role) -> str:
    return role.name if role.key in ("worker", "postgres") else f"the {role.name}"


def _peak(rows: Iterable[Sample]) -> float:
    return max(series.values(rows, "cpu_percent")) / 100


def _of_machine(run: Facts, is_relevant: SecondFilter, cores: int | None) -> Iterator[Pressure]:
    """Yield the CPU of all roles on a shared machine: each may look idle while no core is left."""
    if not cores or not run.machine.generator_shares_cores:
        return
    rows_of = ([row for row in role.rows if is_relevant(row.second)] for role in series.roles(run))
    used = sum(series.mean(rows, "cpu_percent") or 0 for rows in rows_of)
    if used:
        share = used / 100 / cores
        text = (
            f"generator and target share {formatting.count(cores, 'core')}, and used"
            f" {formatting.percent(share)} of them: on separate machines each has more CPU"
        )
        yield Pressure(share / BUSY, text, "machine")


def _of_api(rows: Sequence[ApiSample]) -> Iterator[Pressure]:
    sizes = [(row.pool_in_use or 0, row.pool_size, row.seconds) for row in rows if row.pool_size]
    if sizes:
        in_use = fmean((used / size for used, size, _ in sizes), (seconds for *_, seconds in sizes))
        waits = sum((row.pool_waits or 0) * row.seconds for row in rows)
        text = (
            f"the API's pool of {formatting.number(sizes[-1][1])} database connections:"
            f" {formatting.percent(in_use)} in use,"
            f" {formatting.count(round(waits), 'request')} had to wait for one"
        )
        yield Pressure(in_use / BUSY, text, "pool")
    waiting, in_flight = series.mean(rows, "waiting"), series.mean(rows, "in_flight")
    if waiting and in_flight is not None:
        text = (
            f"{formatting.number(round(waiting, 1))} requests waited in the queue of the API,"
            f" {formatting.number(round(in_flight, 1))} were in progress"
        )
        yield Pressure(1.0 if waiting >= 1 else waiting, text, "queue")


def _of_database(rows: Sequence[DatabaseSample]) -> Iterator[Pressure]:
    taken = [
        (sum(row.connections.values()) / row.max_connections, row.seconds)
        for row in rows
        if row.connections and row.max_connections
    ]
    if taken:
        share, limit = fmean(*zip(*taken, strict=True)), max(series.values(rows, "max_connections"))
        text = f"{formatting.percent(share)} of PostgreSQL's {limit:g} connections were taken"
        yield Pressure(share / BUSY, text, "connections")
    sampled = [row for row in rows if row.waits is not None]
    seconds = series.length(sampled)
    active = sum(_active(row) * row.seconds for row in sampled) / seconds if seconds else 0
    waits = sum((_busy_waits(row, row.seconds) for row in sampled), Counter[str]())
    for events, problem in ((LOCKS, "waited for locks"), (COMMITS, "waited for commits to reach the disk")):
        matching = Counter({name: number for name, number in waits.items() if name.startswith(events)})
        if matching:
            (most, _), waiting = matching.most_common(1)[0], matching.total() / seconds
            busy, delayed = formatting.number(round(active, 1)), formatting.number(round(waiting, 1))
            text = f"on average {delayed} of {busy} busy database sessions {problem} ({most})"
            yield Pressure(waiting / active / WAITING, text, problem)


def _busy_waits(row: DatabaseSample, weight: int = 1) -> Counter[str]:
    """Return the waits of sessions that are not idle, each times the weight."""
    busy: Counter[str] = Counter()
    for name, sessions in (row.waits or {}).items():
        if not name.startswith(IDLE):
            busy[name] = sessions * weight  # type: ignore[assignment]
    return busy


def _active(row: DatabaseSample) -> float:
    """Return the number of active sessions.

    Waiting sessions are active, too. The two figures are sampled one after the other and may not agree.
    """
    active = (row.connections or {}).get("active", 0)
    return float(max(active, _busy_waits(row).total()))

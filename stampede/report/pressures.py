"""What can hold a run up, and how near its limit each of it was: CPU, queues, locks, commits. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import fmean, median
from typing import NamedTuple

from stampede.facts.run import Facts
from stampede.facts.samples import ApiSample, DatabaseSample, Sample
from stampede.report import formatting, series
from stampede.report.series import Role
from stampede.verdict.kept_up import MOST_LAG_MS, MOST_THROTTLED_PERCENT

BUSY = 0.85
"""Share of its limit from where on something holds up the rest: queues grow long before 1."""

WAITING = 0.4
"""Share of the busy database sessions that wait for the same."""


LOCKS, COMMITS = ("Lock:",), ("IO:WalSync", "IO:WalWrite", "LWLock:WALWrite", "IPC:SyncRep")
IDLE = ("Client:", "Activity:")
"""What sessions wait for that have nothing to do."""


class Pressure(NamedTuple):
    """One thing that can hold a run up."""

    share: float
    """Of its limit: 1 is at it."""
    says: str
    kind: str
    """Of each the worst is told: eight workers that are busy are one thing to look at."""


Matters = Callable[[int], bool]
"""Whether a second, since the epoch, matters."""


def worst_of_each_kind(found: Iterable[Pressure]) -> list[Pressure]:
    """The worst first."""
    kinds: dict[str, Pressure] = {}
    for pressure in sorted(found, key=lambda pressure: (-pressure.share, pressure.says)):
        kinds.setdefault(pressure.kind, pressure)
    return list(kinds.values())


def pressures(run: Facts, matters: Matters) -> Iterator[Pressure]:
    """All that are known in those seconds; a share of 1 is where it begins to hold up the rest."""
    cores = run.machine.cores
    for role in series.roles(run):
        rows = [row for row in role.rows if matters(row.second)]
        if rows:
            yield from _of_role(role, rows, cores)
    yield from _of_machine(run, matters, cores)
    yield from _of_api([row for row in run.samples.api if matters(row.second)])
    yield from _of_database([row for row in run.samples.postgres if matters(row.second)])


def _of_role(role: Role, rows: Sequence[Sample], cores: int | None) -> Iterator[Pressure]:
    generates = role.key in ("worker", "master")
    limit = 1.0 if generates else rows[-1].cpu_limit_cores or cores
    used = series.mean(rows, "cpu_percent")
    if used is not None and limit:
        # A generator is one process with one thread: a core at most, less where it is limited to less.
        limit = min(limit, rows[-1].cpu_limit_cores or limit)
        share = used / 100 / limit
        says = (
            f"CPU of {_the(role)}: {formatting.percent(share)} of {formatting.number(limit)} "
            f"{'core' if limit == 1 else 'cores'}, {formatting.percent(_peak(rows) / limit)} at its most"
        )
        yield Pressure(share / BUSY, says, f"cpu of {role.key}")
    throttled = series.mean(rows, "throttled_percent")
    if throttled is not None:
        time = formatting.percent(throttled / 100)
        says = f"{_the(role)} was throttled by its limit of CPU for {time} of the time"
        yield Pressure(throttled / MOST_THROTTLED_PERCENT, says, f"throttled {role.key}")
    late = series.values(rows, "hub_lag_p99_ms") if generates else []
    if late:
        usual, worst = formatting.number(median(late)), formatting.number(max(late))
        says = f"{_the(role)} came {usual} ms late to what it had to do, {worst} ms in its worst second (p99)"
        yield Pressure(median(late) / MOST_LAG_MS, says, "late")


def _the(role: Role) -> str:
    return role.name if role.key in ("worker", "postgres") else f"the {role.name}"


def _peak(rows: Iterable[Sample]) -> float:
    return max(series.values(rows, "cpu_percent")) / 100


def _of_machine(run: Facts, matters: Matters, cores: int | None) -> Iterator[Pressure]:
    """All on one machine share its cores: each alone may look idle while together they have none left."""
    if not cores or not run.machine.generator_shares_cores:
        return
    rows_of = ([row for row in role.rows if matters(row.second)] for role in series.roles(run))
    used = sum(series.mean(rows, "cpu_percent") or 0 for rows in rows_of)
    if used:
        share = used / 100 / cores
        says = (
            f"generator and target share {formatting.count(cores, 'core')}, and used"
            f" {formatting.percent(share)} of them: with machines of their own both would do more"
        )
        yield Pressure(share / BUSY, says, "machine")


def _of_api(rows: Sequence[ApiSample]) -> Iterator[Pressure]:
    sizes = [(row.pool_in_use or 0, row.pool_size) for row in rows if row.pool_size]
    if sizes:
        in_use = fmean(used / size for used, size in sizes)
        waits = sum(series.values(rows, "pool_waits"))
        says = (
            f"the API's pool of {formatting.number(sizes[-1][1])} database connections:"
            f" {formatting.percent(in_use)} in use,"
            f" {formatting.count(round(waits), 'request')} had to wait for one"
        )
        yield Pressure(in_use / BUSY, says, "pool")
    waiting, in_flight = series.mean(rows, "waiting"), series.mean(rows, "in_flight")
    if waiting and in_flight is not None:
        says = (
            f"{formatting.number(round(waiting, 1))} requests waited to be let into the API,"
            f" {formatting.number(round(in_flight, 1))} were in it"
        )
        yield Pressure(1.0 if waiting >= 1 else waiting, says, "queue")


def _of_database(rows: Sequence[DatabaseSample]) -> Iterator[Pressure]:
    taken = [
        (sum(row.connections.values()), row.max_connections)
        for row in rows
        if row.connections and row.max_connections
    ]
    if taken:
        share = fmean(connections / most for connections, most in taken)
        says = f"{formatting.percent(share)} of PostgreSQL's {taken[-1][1]} connections were taken"
        yield Pressure(share / BUSY, says, "connections")
    looks = [row for row in rows if row.waits is not None]
    active = fmean(map(_active, looks)) if looks else 0
    waits = sum((_busy_waits(row) for row in looks), Counter[str]())
    for events, says in ((LOCKS, "waited for locks"), (COMMITS, "waited for commits to reach the disk")):
        found = Counter({name: number for name, number in waits.items() if name.startswith(events)})
        if found:
            (most, _), waiting = found.most_common(1)[0], found.total() / len(looks)
            busy, held = formatting.number(round(active, 1)), formatting.number(round(waiting, 1))
            what = f"of {busy} busy database sessions {held} {says} ({most})"
            yield Pressure(waiting / active / WAITING, what, says)


def _busy_waits(row: DatabaseSample) -> Counter[str]:
    waits = row.waits or {}
    return Counter({name: number for name, number in waits.items() if not name.startswith(IDLE)})


def _active(row: DatabaseSample) -> float:
    """Those that wait are active too; a look at each comes a moment after the other."""
    active = (row.connections or {}).get("active", 0)
    return float(max(active, _busy_waits(row).total()))

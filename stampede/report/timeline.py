"""``timeline.csv``: a row a second, for whatever draws or computes. Numbers only. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean

from msgspec.structs import replace

from stampede.facts.run import Facts
from stampede.facts.samples import DatabaseSample
from stampede.report import series
from stampede.report.series import Axis, Column

OF_THE_RUN = (
    *("users", "workers", "requests", "failures"),
    *("p50_ms", "p95_ms", "p99_ms", "from_start_p99_ms"),
)
STATES = {"active": "active", "idle": "idle", "idle in transaction": "idle_in_transaction"}
OF_THE_DATABASE = ("locks_waiting", "commits", "rollbacks", "deadlocks")
WAITS = ("Lock", "LWLock", "IO")


def timeline(run: Facts) -> str:
    """Times in ms, CPU in percent of one core, memory in MB, all else a number or a number per second."""
    axis = series.axis(run)
    columns = {} if axis is None else dict(_columns(run, axis))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*(map(_cell, values) for values in columns.values()), strict=True))
    return text.getvalue()


def _columns(run: Facts, axis: Axis) -> Iterator[tuple[str, Column]]:
    seconds = run.seconds
    yield "second", [float(second) for second in axis.seconds]
    for name in OF_THE_RUN:
        yield name, series.column(seconds, axis, name)
    for status in filter(str.isdigit, series.keys(seconds, "outcomes")):
        yield f"status_{status}", series.part(seconds, axis, "outcomes", status)
    yield from _of_roles(run, axis)
    yield from _of_the_database(run.samples.postgres, axis)


def _of_roles(run: Facts, axis: Axis) -> Iterator[tuple[str, Column]]:
    """Of the workers together: how busy they are in the middle and the busiest is, what all of them hold."""
    for figure in ("cpu_percent", "memory_mb"):
        workers = []
        for role in series.roles(run):
            values = series.sampled(role.rows, axis, figure)
            if role.key == "worker":
                workers.append(values)
            else:
                yield f"{role.key}_{figure}", values
        if workers and figure == "cpu_percent":
            yield "workers_cpu_percent_mean", _across(workers, fmean)
            yield "workers_cpu_percent_max", _across(workers, max)
        elif workers:
            yield "workers_memory_mb", _across(workers, sum)


def _of_the_database(rows: list[DatabaseSample], axis: Axis) -> Iterator[tuple[str, Column]]:
    if not rows:
        return
    for state, name in STATES.items():
        yield f"connections_{name}", series.bridged(series.part(rows, axis, "connections", state))
    for name in OF_THE_DATABASE:
        yield name, series.sampled(rows, axis, name)
    by_class = [replace(row, waits=_by_class(row.waits)) for row in rows if row.waits is not None]
    for kind in WAITS:
        yield f"waits_{kind.lower()}", series.bridged(series.part(by_class, axis, "waits", kind))


def _by_class(waits: Mapping[str, int]) -> dict[str, int]:
    """`Lock:transactionid` and `Lock:tuple` are both Lock."""
    found: Counter[str] = Counter()
    for event, number in waits.items():
        found[event.partition(":")[0]] += number
    return dict(found)


def _across(columns: list[Column], how: Callable[[list[float]], float]) -> Column:
    """Of those that are known in a second."""
    known = ([value for value in row if value is not None] for row in zip(*columns, strict=True))
    return [how(values) if values else None for values in known]


def _cell(value: object) -> object:
    """Nothing but numbers gets out: a spreadsheet calculates what begins with `=`."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    return value if isinstance(value, int) else None

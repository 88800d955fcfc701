"""``timeline.csv``: one row a second, for tools that draw or compute. Numbers only. Pure.

In the older part of a long run a row is of several seconds: `seconds` has how many, and counts are sums.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean

from msgspec.structs import replace

from stampede.facts.run_json import Facts
from stampede.facts.samples import DatabaseSample
from stampede.report import series
from stampede.report.series import Axis, Column
from stampede.verdict.silences import is_silence

OF_THE_RUN = (
    *("users", "workers", "requests", "failures", "unanswered"),
    *("p50_ms", "p95_ms", "p99_ms", "max_ms", "from_start_p99_ms"),
)
STATES = {"active": "active", "idle": "idle", "idle in transaction": "idle_in_transaction"}
OF_THE_DATABASE = ("locks_waiting", "commits", "rollbacks", "deadlocks")
WAITS = ("Lock", "LWLock", "IO")


def timeline(run: Facts) -> str:
    """Return the CSV. Times are in ms, CPU in percent of one core, memory in MB, all else counts or rates."""
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
    silent = [range(int(event.at), event.facts["until"]) for event in run.events if is_silence(event)]
    yield "silent", [float(any(second in span for span in silent)) for second in axis.seconds]
    yield from _role_columns(run, axis)
    yield from _database_columns(run.samples.postgres, axis)
    yield "seconds", series.column(seconds, axis, "seconds")


def _role_columns(run: Facts, axis: Axis) -> Iterator[tuple[str, Column]]:
    """Yield CPU and memory of each role; for the workers, mean and maximum of CPU, and the sum of memory."""
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


def _database_columns(rows: list[DatabaseSample], axis: Axis) -> Iterator[tuple[str, Column]]:
    if not rows:
        return
    for state, name in STATES.items():
        yield f"connections_{name}", series.bridged(series.part(rows, axis, "connections", state))
    for name in OF_THE_DATABASE:
        yield name, series.sampled(rows, axis, name)
    by_class = [replace(row, waits=_sum_by_class(row.waits)) for row in rows if row.waits is not None]
    for kind in WAITS:
        yield f"waits_{kind.lower()}", series.bridged(series.part(by_class, axis, "waits", kind))


def _sum_by_class(waits: Mapping[str, float]) -> dict[str, float]:
    """Return the waits summed by class: `Lock:transactionid` and `Lock:tuple` are both Lock."""
    sums: defaultdict[str, float] = defaultdict(float)
    for event, number in waits.items():
        sums[event.partition(":")[0]] += number
    return dict(sums)


def _across(columns: list[Column], combine: Callable[[list[float]], float]) -> Column:
    """Return one column that combines the known values of each second."""
    known = ([value for value in row if value is not None] for row in zip(*columns, strict=True))
    return [combine(values) if values else None for values in known]


def _cell(value: object) -> object:
    """Return a number for the CSV; None for all else, as a spreadsheet runs text that begins with `=`."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else round(value, 3)
    return value if isinstance(value, int) else None

"""A run, second by second: its rows as columns of one time axis. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from stampede.facts.check import Facts

Row = Mapping[str, Any]
Column = list[float | None]

BRIDGED = 3
"""Seconds without a sample that are as the one before: more is a gap, and shown."""


class Axis(NamedTuple):
    """The run's first and last second, since the epoch."""

    first: int
    last: int

    @property
    def seconds(self) -> range:
        return range(self.first, self.last + 1)


class Role(NamedTuple):
    """Something that has used CPU and memory, and a row for each second of it."""

    key: str
    """`api`, `postgres`, `master` or `worker`."""
    name: str
    rows: Sequence[Row]


def axis(run: Facts) -> Axis | None:
    """None where nothing was noted by the second."""
    seconds = [row["second"] for row in run.get("seconds") or ()]
    return Axis(min(seconds), max(seconds)) if seconds else None


def window(run: Facts) -> tuple[float, float] | None:
    """From when to when its figures are, since the epoch; None where it has none, or does not say."""
    found = run.get("window") or {}
    return (found["start"], found["end"]) if {"start", "end"} <= found.keys() else None


def in_window(run: Facts, rows: Iterable[Row]) -> list[Row]:
    """The rows of whole seconds in it; all where the run does not say when it was."""
    bounds = window(run)
    return [row for row in rows if bounds is None or bounds[0] <= row["second"] <= bounds[1] - 1]


def column(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """One figure of each second; None where there is none."""
    known = {row["second"]: row.get(name) for row in rows}
    return [known.get(second) for second in axis.seconds]


def sampled(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """One figure of each second, of what is looked at now and then: a look may come late."""
    bridged: Column = []
    last, age = None, 0
    for value in column(rows, axis, name):
        last, age = (value, 0) if value is not None else (last, age + 1)
        bridged.append(last if age < BRIDGED else None)
    return bridged


def part(rows: Iterable[Row], name: str, key: str) -> list[Row]:
    """Rows of one key of a figure that is several: `part(seconds, "outcomes", "201")`."""
    return [
        {"second": row["second"], key: row[name].get(key, 0)} for row in rows if row.get(name) is not None
    ]


def keys(rows: Iterable[Row], name: str) -> list[str]:
    """The keys such a figure has in any row."""
    return sorted({key for row in rows for key in row.get(name) or ()})


def values(rows: Iterable[Row], name: str) -> list[float]:
    """A figure's values, where it is known."""
    return [row[name] for row in rows if row.get(name) is not None]


def mean(rows: Iterable[Row], name: str) -> float | None:
    known = values(rows, name)
    return fmean(known) if known else None


def roles(run: Facts) -> Iterator[Role]:
    """All that were sampled; workers last, by their label."""
    samples = run.get("samples") or {}
    for key, name in (("api", "API"), ("postgres", "PostgreSQL"), ("master", "master")):
        if samples.get(key):
            yield Role(key, name, samples[key])
    for label, rows in sorted((samples.get("workers") or {}).items()):
        yield Role("worker", f"worker {label}", rows)


def same_work(run: Facts) -> list[Row]:
    """What one piece of work took the cores of all workers, on average, by the second: `same_work_ms`."""
    seconds: defaultdict[int, list[float]] = defaultdict(list)
    for role in roles(run):
        if role.key == "worker":
            for row in role.rows:
                if row.get("same_work_ms") is not None:
                    seconds[row["second"]].append(row["same_work_ms"])
    return [{"second": second, "same_work_ms": fmean(took)} for second, took in sorted(seconds.items())]

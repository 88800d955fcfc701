"""A run, second by second: its rows as columns of one time axis. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple, TypeVar

from stampede.facts.figures import Second
from stampede.facts.run import Facts
from stampede.facts.samples import ProcessSample, Sample

Row = Second | Sample
"""Figures of one second."""
AnyRow = TypeVar("AnyRow", bound=Row)
Column = list[float | None]
"""A figure for each second of the axis; None where it is not known."""

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
    rows: Sequence[Sample]


def axis(run: Facts) -> Axis | None:
    """Return the axis of a run; None where nothing was noted by the second."""
    seconds = [row.second for row in run.seconds]
    return Axis(min(seconds), max(seconds)) if seconds else None


def in_window(run: Facts, rows: Iterable[AnyRow]) -> list[AnyRow]:
    """Return the rows of the window; all where the run has none."""
    return [row for row in rows if is_in_window(run, row.second)]


def is_in_window(run: Facts, second: int) -> bool:
    """Return whether a second is in the window; each is where the run has none."""
    return run.window is None or run.window.start <= second < run.window.end


def column(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """Return one figure of each second."""
    return _on_axis(axis, ((row.second, getattr(row, name)) for row in rows))


def part(rows: Iterable[Row], axis: Axis, name: str, key: str) -> Column:
    """Return one key of a figure that is several: `part(seconds, axis, "outcomes", "201")`."""
    several = ((row.second, getattr(row, name)) for row in rows)
    return _on_axis(axis, ((second, found.get(key, 0)) for second, found in several if found is not None))


def _on_axis(axis: Axis, figures: Iterable[tuple[int, Any]]) -> Column:
    known = dict(figures)
    return [known.get(second) for second in axis.seconds]


def bridged(values: Column) -> Column:
    """Return a column of what is sampled: a second whose sample came late is as the one before."""
    filled: Column = []
    last, age = None, 0
    for value in values:
        last, age = (value, 0) if value is not None else (last, age + 1)
        filled.append(last if age < BRIDGED else None)
    return filled


def sampled(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """Return one figure of each second, of what is sampled."""
    return bridged(column(rows, axis, name))


def keys(rows: Iterable[Row], name: str) -> list[str]:
    """Return the keys that a figure which is several has in any row."""
    return sorted({key for row in rows for key in getattr(row, name) or ()})


def values(rows: Iterable[Row], name: str) -> list[float]:
    """Return a figure's values, where it is known."""
    found = (getattr(row, name) for row in rows)
    return [value for value in found if value is not None]


def mean(rows: Iterable[Row], name: str) -> float | None:
    """Return a figure's mean; None where it is not known."""
    known = values(rows, name)
    return fmean(known) if known else None


def roles(run: Facts) -> Iterator[Role]:
    """Yield all that were sampled; workers last, by their label."""
    samples = run.samples
    named: tuple[tuple[str, str, Sequence[Sample]], ...] = (
        ("api", "API", samples.api),
        ("postgres", "PostgreSQL", samples.postgres),
        ("master", "master", samples.master),
    )
    for key, name, rows in named:
        if rows:
            yield Role(key, name, rows)
    for label, rows in sorted(samples.workers.items()):
        yield Role("worker", f"worker {label}", rows)


def same_work(run: Facts) -> list[ProcessSample]:
    """Return how long the same piece of work took the cores of all workers, on average, by the second."""
    seconds: defaultdict[int, list[float]] = defaultdict(list)
    for rows in run.samples.workers.values():
        for row in rows:
            if row.same_work_ms is not None:
                seconds[row.second].append(row.same_work_ms)
    return [
        ProcessSample(second=second, same_work_ms=fmean(took)) for second, took in sorted(seconds.items())
    ]

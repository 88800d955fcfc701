"""Turns the rows of a run, one for each second, into columns on one time axis. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple, TypeVar

from stampede.facts.figures import Second
from stampede.facts.run_json import Facts
from stampede.facts.samples import ProcessSample, Sample

Row = Second | Sample
"""The figures of one second."""
AnyRow = TypeVar("AnyRow", bound=Row)
Column = list[float | None]
"""A figure for each second of the axis; None where it is not known."""

BRIDGED = 3
"""Seconds without a sample that repeat the previous value; a longer gap is shown as a gap."""


class Axis(NamedTuple):
    """The run's first and last second, since the epoch."""

    first: int
    last: int

    @property
    def seconds(self) -> range:
        """Return all seconds of the axis."""
        return range(self.first, self.last + 1)


class Role(NamedTuple):
    """A process or group of processes with its samples, one for each second."""

    key: str
    """`api`, `postgres`, `master` or `worker`."""
    name: str
    rows: Sequence[Sample]


def axis(run: Facts) -> Axis | None:
    """Return the time axis of a run; None where the run has no seconds."""
    seconds = [row.second for row in run.seconds]
    return Axis(min(seconds), max(seconds)) if seconds else None


def in_window(run: Facts, rows: Iterable[AnyRow]) -> list[AnyRow]:
    """Return the rows in the window; all rows where the run has no window."""
    return [row for row in rows if is_in_window(run, row.second)]


def is_in_window(run: Facts, second: int) -> bool:
    """Return whether a second is in the window; True where the run has no window."""
    return run.window is None or run.window.start <= second < run.window.end


def column(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """Return one figure as a column."""
    return _on_axis(axis, ((row.second, getattr(row, name)) for row in rows))


def part(rows: Iterable[Row], axis: Axis, name: str, key: str) -> Column:
    """Return one key of a figure with several as a column: `part(seconds, axis, "outcomes", "201")`.

    It is 0 where the figure does not have the key.
    """
    figures = ((row.second, getattr(row, name)) for row in rows)
    return _on_axis(axis, ((second, figure.get(key, 0)) for second, figure in figures if figure is not None))


def _on_axis(axis: Axis, figures: Iterable[tuple[int, Any]]) -> Column:
    known = dict(figures)
    return [known.get(second) for second in axis.seconds]


def bridged(values: Column) -> Column:
    """Return a column with short gaps filled by the previous value, as a sample may come late."""
    filled: Column = []
    last, age = None, 0
    for value in values:
        last, age = (value, 0) if value is not None else (last, age + 1)
        filled.append(last if age < BRIDGED else None)
    return filled


def sampled(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """Return one figure of samples as a column, with short gaps filled."""
    return bridged(column(rows, axis, name))


def keys(rows: Iterable[Row], name: str) -> list[str]:
    """Return all keys that a figure with several has in any row."""
    return sorted({key for row in rows for key in getattr(row, name) or ()})


def values(rows: Iterable[Row], name: str) -> list[float]:
    """Return the known values of a figure."""
    figures = (getattr(row, name) for row in rows)
    return [value for value in figures if value is not None]


def mean(rows: Iterable[Row], name: str) -> float | None:
    """Return the mean of a figure; None where no value is known."""
    known = values(rows, name)
    return fmean(known) if known else None


def roles(run: Facts) -> Iterator[Role]:
    """Yield all roles that were sampled; the workers last, by label."""
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
    """Return how long cores took for the same piece of work, as the mean of all workers for each second."""
    seconds: defaultdict[int, list[float]] = defaultdict(list)
    for rows in run.samples.workers.values():
        for row in rows:
            if row.same_work_ms is not None:
                seconds[row.second].append(row.same_work_ms)
    return [
        ProcessSample(second=second, same_work_ms=fmean(times)) for second, times in sorted(seconds.items())
    ]

"""Turns the rows of a run into columns on one time axis. Pure.

A row is of one second; in the older part of a long run it is of several (stampede/counting/steps.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, repeat
from statistics import fmean
from typing import Any, NamedTuple, TypeVar

from stampede.facts.figures import Second
from stampede.facts.run_json import Facts
from stampede.facts.samples import ProcessSample, Sample

Row = Second | Sample
"""The figures of one second, or of several."""
AnyRow = TypeVar("AnyRow", bound=Row)
Column = list[float | None]
"""A figure for each row of the axis; None where it is not known."""

BRIDGED = 3
"""Seconds without a sample that repeat the previous value; a longer gap is shown as a gap."""


class Axis(NamedTuple):
    """The run's first and last second, since the epoch."""

    first: int
    last: int
    starts: Sequence[int] = ()
    """The first second of each row, where there are rows of several seconds."""

    @property
    def seconds(self) -> Sequence[int]:
        """Return the first second of each row."""
        return self.starts or range(self.first, self.last + 1)

    def by_second(self, values: Column) -> Column:
        """Return the value of each second: that of its row."""
        if not self.starts:
            return values
        lengths = (end - start for start, end in pairwise([*self.starts, self.last + 1]))
        return [
            value for value, length in zip(values, lengths, strict=True) for value in repeat(value, length)
        ]


class Role(NamedTuple):
    """A process or group of processes with its samples, one for each second."""

    key: str
    """`api`, `postgres`, `master` or `worker`."""
    name: str
    rows: Sequence[Sample]


def axis(run: Facts) -> Axis | None:
    """Return the time axis of a run; None where the run has no seconds."""
    seconds = sorted(row.second for row in run.seconds)
    if not seconds:
        return None
    is_merged = any(row.seconds > 1 for row in run.seconds)
    return Axis(seconds[0], seconds[-1], seconds if is_merged else ())


def in_window(run: Facts, rows: Iterable[AnyRow]) -> list[AnyRow]:
    """Return the rows in the window; all rows where the run has no window."""
    return [row for row in rows if is_in_window(run, row.second)]


def is_in_window(run: Facts, second: int) -> bool:
    """Return whether a second is in the window; True where the run has no window."""
    return run.window is None or run.window.start <= second < run.window.end


def column(rows: Iterable[Row], axis: Axis, name: str) -> Column:
    """Return one figure as a column."""
    return _on_axis(axis, ((row.second, getattr(row, name)) for row in rows))


def rate(rows: Iterable[Second], axis: Axis, name: str) -> Column:
    """Return a count as a column, per second."""
    return _on_axis(axis, ((row.second, getattr(row, name) / row.seconds) for row in rows))


def part(rows: Iterable[Row], axis: Axis, name: str, key: str) -> Column:
    """Return one key of a figure with several as a column: `part(seconds, axis, "outcomes", "201")`.

    It is 0 where the figure does not have the key.
    """
    figures = ((row.second, getattr(row, name)) for row in rows)
    return _on_axis(axis, ((second, figure.get(key, 0)) for second, figure in figures if figure is not None))


def part_per_second(rows: Iterable[Second], axis: Axis, name: str, key: str) -> Column:
    """Return one key of a count with several as a column, per second."""
    return _on_axis(axis, ((row.second, getattr(row, name).get(key, 0) / row.seconds) for row in rows))


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
    """Return the mean of a figure over all seconds in which it is known; None where no value is known."""
    known = [(value, row.seconds) for row in rows if (value := getattr(row, name)) is not None]
    return fmean(*zip(*known, strict=True)) if known else None


def length(rows: Iterable[Row]) -> int:
    """Return how many seconds the rows are of."""
    return sum(row.seconds for row in rows)


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
    by_second: defaultdict[int, list[ProcessSample]] = defaultdict(list)
    for rows in run.samples.workers.values():
        for row in rows:
            if row.same_work_ms is not None:
                by_second[row.second].append(row)
    return [
        ProcessSample(
            second=second, seconds=max(row.seconds for row in rows), same_work_ms=mean(rows, "same_work_ms")
        )
        for second, rows in sorted(by_second.items())
    ]

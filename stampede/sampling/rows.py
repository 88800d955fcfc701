"""The rows of one series of samples: the newest second by second, older ones merged. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import nlargest
from statistics import fmean
from typing import Any, Generic, TypeVar

from msgspec.structs import fields

from stampede.counting.steps import Part
from stampede.facts.samples import MasterSample, Sample

AnySample = TypeVar("AnySample", bound=Sample)

MEANS = {
    *("cpu_percent", "throttled_percent", "waited_percent", "same_work_ms", "hub_lag_p99_ms"),
    *("in_flight", "waiting", "pool_in_use", "pool_waits"),
    *("commits", "rollbacks", "deadlocks", "cache_hit_percent"),
}
"""Figures whose mean is kept of several seconds. Of all other figures, it is the highest value."""

MOST_WAITS = 50
"""Wait events of the database that are kept of several seconds."""


class Rows(Generic[AnySample]):
    """The rows of one series."""

    def __init__(self) -> None:
        self._recent: list[AnySample] = []
        self._older: dict[int, AnySample] = {}
        """By the first second of their part."""

    def append(self, row: AnySample) -> None:
        """Add the row of a second."""
        self._recent.append(row)

    @property
    def all(self) -> list[AnySample]:
        """Return all rows, in the order of their seconds."""
        return sorted([*self._older.values(), *self._recent], key=lambda row: row.second)

    def seconds(self) -> set[int]:
        """Return the seconds that are not merged."""
        return {row.second for row in self._recent}

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        if rows := [row for row in self._recent if row.second in part]:
            self._older[part.first] = merged(rows, part.first)
            self._recent = [row for row in self._recent if row.second not in part]

    def join(self, part: Part, other: Part) -> None:
        """Add the row of another part to that of a part."""
        rows = [self._older.pop(first) for first in (part.first, other.first) if first in self._older]
        if rows:
            self._older[part.first] = merged(rows, part.first)


def merged(rows: Sequence[AnySample], second: int) -> AnySample:
    """Return one row of several, known by that second."""
    kind = type(rows[0])
    figures = {field.name: _figure(rows, field.name) for field in fields(kind)}
    figures |= {"second": second, "seconds": sum(row.seconds for row in rows)}
    if kind is MasterSample:
        figures["late_seconds"] = sum(row.seconds_late for row in rows if isinstance(row, MasterSample))
    return kind(**figures)


def _figure(rows: Iterable[Sample], name: str) -> Any:
    known = [(value, row.seconds) for row in rows if (value := getattr(row, name)) is not None]
    if not known:
        return None
    values, weights = zip(*known, strict=True)
    if name == "connections":
        return max(values, key=lambda states: sum(states.values()))
    if name == "waits":
        return _mean_waits(known)
    return round(fmean(values, weights), 4) if name in MEANS else max(values)


def _mean_waits(known: Sequence[tuple[dict[str, float], int]]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for waits, weight in known:
        for name, sessions in waits.items():
            total[name] += sessions * weight
    seconds = sum(weight for _waits, weight in known)
    most = nlargest(MOST_WAITS, total, key=lambda name: total[name])
    return {name: round(total[name] / seconds, 4) for name in most}

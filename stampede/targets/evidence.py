"""The data that targets are measured from: the users' counts and the roles' samples, by the second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from stampede.counting.counts import Counts
from stampede.counting.figures import late_answers
from stampede.counting.times import Sum
from stampede.facts.samples import DatabaseSample, Sample, Samples
from stampede.facts.target import Figure, Kind, Target

Counted = Counter[Any]
"""The counts of some seconds: requests by ms or by status, or samples by value, as the kind of figure needs
it. The counts of two seconds can be added. Next to the times of requests, UNANSWERED counts those without."""

Fetch = Callable[[Sequence[int]], Mapping[str, Counted]]
"""Returns the counts of the sources of a figure, by their names, in some seconds since the epoch."""

Value = tuple[float, int]
"""The value of a sample, and how many seconds it is of."""

UNANSWERED = "unanswered"
"""In counts of times: the number of requests that failed without an answer."""


class Evidence:
    """The data of one run that its targets are measured from."""

    def __init__(
        self, counts: Counts, samples: Callable[[], Samples], cores: Callable[[], int | None]
    ) -> None:
        """Use the counts and samples of a run.

        `cores` returns how many cores the API's machine has: a role without a CPU limit can use all of them.
        None means not known.
        """
        self._counts = counts
        self._samples = samples
        self._cores = cores

    def late_answers(self, window: range, kept: Sequence[int]) -> range:
        """Return the seconds after a window whose answers count in it; `kept` are its seconds that count."""
        return late_answers(self._counts.latencies, window, kept)

    def sources(self, target: Target) -> list[str]:
        """Return the names of the sources of a target's figure; none where the run has no data for it.

        A target of every route has one for each route, a target of the workers one for each worker.
        """
        figure = target.figure
        if figure.role:
            return list(self._of_role(target))
        names = [self._source(figure, *route) for route in self._counts.latencies.routes()]
        return list(dict.fromkeys(name for name in names if name is not None))

    @staticmethod
    def _source(figure: Figure, method: str, name: str) -> str | None:
        """Return the name of the source that a route is part of; None where the figure is not of it."""
        if not figure.routes.include(method, name):
            return None
        return f"{method} {name}" if figure.routes.group == "every" else ""

    def fetch(self, target: Target) -> Fetch:
        """Return a function that returns the counts of each source in some seconds, by its name.

        A source may be left out. All sources are counted together: the work must not grow with the square of
        their number.
        """
        figure = target.figure
        if figure.role:
            return partial(_count_samples, self._of_role(target))
        if figure.kind in (Kind.GOODPUT, Kind.STATUS):
            return partial(self._statuses, figure)
        return partial(self._requests, figure)

    def _statuses(self, figure: Figure, seconds: Sequence[int]) -> Mapping[str, Counted]:
        return self._counts.outcomes.statuses(seconds, partial(self._source, figure))

    def _requests(self, figure: Figure, seconds: Sequence[int]) -> Mapping[str, Counted]:
        sums = self._counts.latencies.grouped(seconds, lambda route: self._source(figure, *route))
        return {name: _of_requests(figure, requests) for name, requests in sums.items()}

    def _of_role(self, target: Target) -> dict[str, dict[int, Value]]:
        """Return the values of each source by their seconds, where there are any."""
        cores = self._cores()
        rows_by_name = _rows_by_name(target.figure.role, self._samples())
        sampled = {name: _values_by_second(target, rows, cores) for name, rows in rows_by_name.items()}
        return {name: values for name, values in sampled.items() if values}


def _of_requests(figure: Figure, requests: Sum) -> Counted:
    if figure.kind in (Kind.RPS, Kind.ERRORS):
        return Counter(requests=requests.requests, failures=requests.failures)
    times: Counted = (requests.from_start if figure.from_start else requests.times).histogram()
    if requests.unanswered:
        times[UNANSWERED] = requests.unanswered
    return times


def _rows_by_name(role: str, samples: Samples) -> Mapping[str, Iterable[Sample]]:
    match role:
        case "workers":
            return {f"worker {label}": rows for label, rows in samples.workers.items()}
        case "master":
            return {"": samples.master}
        case "api":
            return {"": samples.api}
    return {"": samples.postgres}


def _values_by_second(target: Target, rows: Iterable[Sample], cores: int | None) -> dict[int, Value]:
    values = {row.second: (_value(target, row, cores), row.seconds) for row in rows}
    return {second: (value, seconds) for second, (value, seconds) in values.items() if value is not None}


def _value(target: Target, row: Sample, cores: int | None) -> float | None:
    """Return the value of a role's sample, in the unit of the target; None where it is not known."""
    match target.figure.kind:
        case Kind.CPU:
            used, limit = row.cpu_percent, row.cpu_limit_cores or cores
            if target.figure.role in ("master", "workers"):  # one thread: at most one core
                limit = min(limit or 1, 1)
            return None if used is None or limit is None else used / limit
        case Kind.MEMORY:
            used, limit = row.memory_mb, row.memory_limit_mb
        case _:
            if not isinstance(row, DatabaseSample):
                return None
            used = None if row.connections is None else sum(row.connections.values())
            limit = row.max_connections
    if used is None or target.unit != "%":
        return used
    return 100 * used / limit if limit else None


def _count_samples(
    sources: Mapping[str, Mapping[int, Value]], seconds: Sequence[int]
) -> Mapping[str, Counted]:
    counts: dict[str, Counted] = {name: Counter() for name in sources}
    for name, values in sources.items():
        for second in seconds:
            if second in values:
                value, of_seconds = values[second]
                counts[name][value] += of_seconds
    return counts

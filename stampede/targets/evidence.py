"""The data that targets are measured from: the users' counts and the roles' samples, by the second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from stampede.counting.counts import Counts
from stampede.counting.figures import late_answers
from stampede.facts.samples import DatabaseSample, Sample, Samples
from stampede.facts.target import Figure, Kind, Target

Counted = Counter[Any]
"""The counts of some seconds: requests by ms or by status, or samples by value, as the kind of figure needs
it. The counts of two seconds can be added. Next to the times of requests, UNANSWERED counts those without."""

UNANSWERED = "unanswered"
"""In counts of times: the number of requests that failed without an answer."""

Fetch = Callable[[int, int], Counted]
"""Returns the counts of the seconds [start, end), since the epoch."""


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

    def sources(self, target: Target) -> dict[str, Fetch]:
        """Return the sources of a target's figure, by name; none where the run has no data for it.

        A target of every route has one for each route, a target of the workers one for each worker.
        """
        figure = target.figure
        if figure.role:
            return self._of_role(target)
        routes = [route for route in self._counts.latencies.routes() if figure.routes.include(*route)]
        if figure.routes.group == "every":
            return {" ".join(route): partial(self._requests, figure, _only(route)) for route in routes}
        return {"": partial(self._requests, figure, figure.routes.include)} if routes else {}

    def _requests(self, figure: Figure, routes: Callable[[str, str], bool], start: int, end: int) -> Counted:
        latencies = self._counts.latencies
        match figure.kind:
            case Kind.TIME | Kind.STABLE:
                times: Counted = latencies.histogram(start, end, routes, from_start=figure.from_start)
                if unanswered := latencies.unanswered(start, end, routes):
                    times[UNANSWERED] = unanswered
                return times
            case Kind.RPS | Kind.ERRORS:
                failures = latencies.failures(start, end, routes)
                return Counter(requests=latencies.requests(start, end, routes), failures=failures)
        return self._counts.outcomes.histogram(start, end, routes)

    def _of_role(self, target: Target) -> dict[str, Fetch]:
        cores = self._cores()
        sampled = {
            name: _values_by_second(target, rows, cores)
            for name, rows in _rows_by_name(target.figure.role, self._samples()).items()
        }
        return {name: partial(_count_values, values) for name, values in sampled.items() if values}


def _rows_by_name(role: str, samples: Samples) -> Mapping[str, Iterable[Sample]]:
    match role:
        case "workers":
            return {f"worker {label}": rows for label, rows in samples.workers.items()}
        case "master":
            return {"": samples.master}
        case "api":
            return {"": samples.api}
    return {"": samples.postgres}


def _values_by_second(target: Target, rows: Iterable[Sample], cores: int | None) -> dict[int, float]:
    values = {row.second: _value(target, row, cores) for row in rows}
    return {second: value for second, value in values.items() if value is not None}


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


def _count_values(values: Mapping[int, float], start: int, end: int) -> Counted:
    return Counter(values[second] for second in range(start, end) if second in values)


def _only(route: tuple[str, str]) -> Callable[[str, str], bool]:
    return lambda *other: other == route

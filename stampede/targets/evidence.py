"""What there is to measure targets by: what users counted second by second, and the samples of each role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from stampede.counting.counts import Counts
from stampede.facts.samples import DatabaseSample, Sample, Samples
from stampede.facts.target import Figure, Kind, Target

Found = Counter[Any]
"""What was counted in some seconds, as the kind of the figure needs it: requests by ms or by status, samples
by their value. What was found in one second and in the next can be added up."""

Fetch = Callable[[int, int], Found]
"""The counts of the seconds [start, end), since the epoch."""


class Evidence:
    """What there is to measure targets of one run by."""

    def __init__(
        self, counts: Counts, samples: Callable[[], Samples], cores: Callable[[], int | None]
    ) -> None:
        """`cores` are those of the API's machine, what a role without a limit can use; None where nobody
        knows them."""
        self._counts = counts
        self._samples = samples
        self._cores = cores

    def drained(self, end: int) -> int:
        """The second after the last answer to what was sent before the second `end`."""
        return self._counts.latencies.drained(end)

    def of(self, target: Target) -> dict[str, Fetch]:
        """Where to look for a target's figure, by name; nothing where there is nothing of it in the run."""
        figure = target.figure
        if figure.role:
            return self._of_role(target)
        met = [route for route in self._counts.latencies.routes() if figure.routes.include(*route)]
        if figure.routes.group == "every":
            return {" ".join(route): partial(self._requests, figure, _only(route)) for route in met}
        return {"": partial(self._requests, figure, figure.routes.include)} if met else {}

    def _requests(self, figure: Figure, routes: Callable[[str, str], bool], start: int, end: int) -> Found:
        latencies = self._counts.latencies
        match figure.kind:
            case Kind.TIME | Kind.STABLE:
                return latencies.histogram(start, end, routes, from_start=figure.from_start)
            case Kind.RPS | Kind.ERRORS:
                failures = latencies.failures(start, end, routes)
                return Counter(requests=latencies.requests(start, end, routes), failures=failures)
        return self._counts.outcomes.histogram(start, end, routes)

    def _of_role(self, target: Target) -> dict[str, Fetch]:
        cores = self._cores()
        rows_of = _rows_of(target.figure.role, self._samples())
        values = {name: _by_second(target, rows, cores) for name, rows in rows_of.items()}
        return {name: partial(_sampled, of_second) for name, of_second in values.items() if of_second}


def _rows_of(role: str, samples: Samples) -> Mapping[str, Iterable[Sample]]:
    match role:
        case "workers":
            return {f"worker {label}": rows for label, rows in samples.workers.items()}
        case "master":
            return {"": samples.master}
        case "api":
            return {"": samples.api}
    return {"": samples.postgres}


def _by_second(target: Target, rows: Iterable[Sample], cores: int | None) -> dict[int, float]:
    values = {row.second: _value(target, row, cores) for row in rows}
    return {second: value for second, value in values.items() if value is not None}


def _value(target: Target, row: Sample, cores: int | None) -> float | None:
    """Of a role in one second, in the unit of the target."""
    match target.figure.kind:
        case Kind.CPU:
            used, most = row.cpu_percent, row.cpu_limit_cores or cores
            if target.figure.role in ("master", "workers"):  # Python's lock: they cannot use more than one
                most = min(most or 1, 1)
            return None if used is None or most is None else used / most
        case Kind.MEMORY:
            used, most = row.memory_mb, row.memory_limit_mb
        case _:
            if not isinstance(row, DatabaseSample):
                return None
            used = None if row.connections is None else sum(row.connections.values())
            most = row.max_connections
    if used is None or target.unit != "%":
        return used
    return 100 * used / most if most else None


def _sampled(of_second: Mapping[int, float], start: int, end: int) -> Found:
    return Counter(of_second[second] for second in range(start, end) if second in of_second)


def _only(route: tuple[str, str]) -> Callable[[str, str], bool]:
    return lambda *other: other == route

"""Compares two runs: which figures differ, by how much, and which run is better.

``python -m stampede compare A B [--force] [--html FILE]``: A and B are folders, ids of runs in ``results/``,
or ``latest``. Without --force, runs under different conditions are refused. Needs no Locust and no gevent.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import asdict

from stampede.facts.figures import Figures
from stampede.facts.run_json import Facts, FactsError, read
from stampede.facts.verdict_json import Judgement
from stampede.report import formatting, series
from stampede.report.page import comparison
from stampede.verdict.verdict import verdict

RESULTS = Path("results")
CANNOT_COMPARE = 2
"""Exit code where the runs cannot be read or compared."""

TOLERANCE = 0.05
"""Share of A by which B may differ and still counts as the same."""

WINDOW = "window, seconds"
WINDOW_TOLERANCE = 2
"""Seconds by which windows of the same plan may always differ."""

ROLES = ("api", "postgres", "master", "worker")
LIMITS = {"cpu_limit_cores": "CPU limit", "memory_limit_mb": "memory limit"}
SAME_WORK = "ms for the same work"
FAILED_P95 = "p95 of failed, ms"
TIMES = ("avg_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms")


class Difference(NamedTuple):
    """A condition that two runs do not share."""

    what: str
    of_a: str
    of_b: str


class Row(NamedTuple):
    """One figure of both runs."""

    group: str
    name: str
    a: float | None
    b: float | None
    more_is_better: bool | None
    """None where more is neither better nor worse."""

    @property
    def difference(self) -> float | None:
        """Return B minus A; None where one of them is not known."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        """Return B divided by A; None where A is 0 or one of them is not known."""
        return self.b / self.a if self.a and self.b is not None else None

    @property
    def mark(self) -> str:
        """Return whether B is `better`, `worse` or `same`; an empty string where that is not known."""
        if self.difference is None or self.a is None or self.more_is_better is None:
            return ""
        if abs(self.difference) <= TOLERANCE * abs(self.a):
            return "same"
        return "better" if (self.difference > 0) == self.more_is_better else "worse"

    @property
    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Return the cells of the row as text."""
        change = formatting.NONE if self.difference is None else formatting.change(self.difference)
        times = formatting.NONE if self.ratio is None else f"{self.ratio:.2f} ×"
        return self.name, formatting.number(self.a), formatting.number(self.b), change, times, self.mark


def differing_conditions(a: Facts, b: Facts) -> list[Difference]:
    """Return the conditions that the runs do not share; runs without any can be compared."""
    return [
        Difference(what, _text(of_a), _text(of_b))
        for (what, of_a), (_, of_b) in zip(_conditions(a), _conditions(b), strict=True)
        if not _is_alike(what, of_a, of_b)
    ]


def _is_alike(what: str, a: Any, b: Any) -> bool:
    """Return whether a condition is the same for both; windows may differ a little, as ramps do."""
    if what == WINDOW and None not in (a, b):
        return math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=WINDOW_TOLERANCE)
    return bool(a == b)


def _conditions(run: Facts) -> Iterator[tuple[str, Any]]:
    yield "profile", run.profile
    yield "users", run.users
    yield "kinds of user", run.user_classes
    yield "workers", run.workers
    yield "target", run.host
    yield "locustfile", run.locustfile
    yield "overload", run.overload
    yield "targets", [result.target.text for result in run.targets]
    yield "offered requests/s", run.pace and run.pace.wanted_rps
    yield WINDOW, run.window and run.window.seconds
    for name, value in asdict(run.machine).items():
        if name != "id":  # changes with each start of the machine
            yield f"machine: {formatting.title(name)}", value
    for role in ROLES:
        for figure, what in LIMITS.items():
            yield f"{what} of {role}", _limits(run, role, figure)
    yield "database connections of api", _connections(run)


def _limits(run: Facts, role: str, figure: str) -> list[float]:
    """Return the limits that the role's containers had; none without a container or a limit."""
    return sorted(
        {
            limit
            for sampled in series.roles(run)
            if sampled.key == role
            for limit in series.values(sampled.rows, figure)
        }
    )


def _connections(run: Facts) -> float | None:
    """Return the largest pool size of the run: that of all processes and threads of the API."""
    return max(series.values(run.samples.api, "pool_size"), default=None)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or formatting.NONE
    return formatting.NONE if value is None else str(value)


def rows(a: Facts, b: Facts) -> list[Row]:
    """Return a row for every figure that at least one of the runs has."""
    of_a, of_b = dict(_figures(a)), dict(_figures(b))
    keys = [*of_a, *(key for key in of_b if key not in of_a)]
    return [Row(*key, of_a.get(key), of_b.get(key), _more_is_better(*key)) for key in keys]


def _figures(run: Facts) -> Iterator[tuple[tuple[str, str], float | None]]:
    window = run.window
    yield ("whole", "requests/s"), window.rps if window else None
    yield ("whole", "failures, %"), run.failures / run.requests * 100 if run.requests else None
    if window:
        yield from _times("whole", window.total)
        for method, figures in window.by_method.items():
            yield from _times(method, figures)
        for route in window.routes:
            yield from _times(f"{route.method} {route.name}", route)
    yield from _resources(run)


def _times(group: str, figures: Figures) -> Iterator[tuple[tuple[str, str], float | None]]:
    for name in TIMES:
        if (time := getattr(figures, name)) is not None:
            yield (group, f"{name.removesuffix('_ms')}, ms"), time
    if figures.from_start and figures.from_start.p99_ms is not None:
        yield (group, "p99 from start, ms"), figures.from_start.p99_ms
    if figures.failed and figures.failed.p95_ms is not None:
        yield (group, FAILED_P95), figures.failed.p95_ms


def _resources(run: Facts) -> Iterator[tuple[tuple[str, str], float | None]]:
    """Yield CPU and memory of each role, of the workers together, and the speed of the cores."""
    for figure, name in (("cpu_percent", "CPU, % of a core"), ("memory_mb", "memory, MB")):
        workers = []
        for role in series.roles(run):
            mean = series.mean(series.in_window(run, role.rows), figure)
            if role.key == "worker":
                workers.append(mean or 0)
            else:
                yield (role.name, name), mean
        if workers:
            yield ("all workers", name), sum(workers)
    yield ("cores", SAME_WORK), series.mean(series.in_window(run, series.same_work(run)), "same_work_ms")


def _more_is_better(_group: str, name: str) -> bool | None:
    if name.startswith("memory") or name in (SAME_WORK, FAILED_P95):
        return None
    return name == "requests/s"


def load(name: str) -> Facts:
    """Return the facts of the run in a folder, or with an id in ``results/``. Raises FactsError."""
    folder = next((path for path in (Path(name), RESULTS / name) if (path / "run.json").is_file()), None)
    if folder is None:
        raise FactsError(f"there is no run '{name}': name one in {RESULTS}/, or its folder")
    return read(folder)


def main(name_of_a: str, name_of_b: str, *, force: bool = False, html: Path | None = None) -> int:
    """Run the command. Returns its exit code: 2 where the runs cannot be compared, else 0."""
    try:
        a, b = load(name_of_a), load(name_of_b)
    except FactsError as error:
        print(f"stampede: {error}", file=sys.stderr)
        return CANNOT_COMPARE
    judged = verdict(a), verdict(b)
    differences = differing_conditions(a, b)
    if differences and not force:
        print("stampede: these runs are not alike (--force compares them all the same):", file=sys.stderr)
        print("\n".join(_listed(differences)), file=sys.stderr)
        return CANNOT_COMPARE
    compared = rows(a, b)
    if html:
        try:
            page = comparison((a, b), judged, differences, compared)
            html.write_text(page, encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"stampede: {error}", file=sys.stderr)
            return CANNOT_COMPARE
    print("\n".join(_lines((a, b), judged, differences, compared)))
    if html:
        print(f"\n{html}")
    return 0


def _listed(differences: Sequence[Difference]) -> list[str]:
    width = max(len(difference.what) for difference in differences)
    return [f"  {what:{width}}  {of_a}  |  {of_b}" for what, of_a, of_b in differences]


def _lines(
    runs: tuple[Facts, Facts],
    judged: tuple[Judgement, Judgement],
    differences: Sequence[Difference],
    compared: Sequence[Row],
) -> Iterator[str]:
    """Yield the comparison as lines for a terminal."""
    for letter, run, judgement in zip("AB", runs, judged, strict=True):
        yield f"{letter}  {run.id}  {judgement.verdict}"
    if differences:
        yield from ("", "They are not alike:", *_listed(differences))
    group = None
    yield f"\n{'':28}{'A':>12}{'B':>12}{'B - A':>12}{'B / A':>9}"
    for row in compared:
        if row.group != group:
            group = row.group
            yield group
        name, a, b, change, times, mark = row.cells
        yield f"  {name:26}{a:>12}{b:>12}{change:>12}{times:>9}  {mark}".rstrip()

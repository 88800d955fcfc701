"""The rows of the report's tables, as text. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from stampede.facts.figures import Figures, Pace
from stampede.facts.run_json import ErrorFacts, ErrorSample, Facts, Race
from stampede.facts.samples import Machine
from stampede.facts.target import Target
from stampede.report import formatting
from stampede.report.against import NearestTarget, nearest_target, time_targets
from stampede.report.events import most_important, numbered
from stampede.report.formatting import count, number

MOST_ERRORS = 50
"""Rows of errors: more rows have the same few causes."""
MOST_BODIES = 20
"""Errors with the body of an answer: bodies may be long, and run.json has all of them."""
MOST_EVENTS = 200

NO_OUTCOMES: Mapping[str, int] = {}


class Route(NamedTuple):
    """The row of one route. `outcomes` are of the whole run, all figures of the window."""

    name: str
    requests: str
    failures: str
    is_failing: bool
    outcomes: list[tuple[str, str]]
    times: list[str]
    from_start_p99: str
    failed_p95: str
    nearest_target: NearestTarget | None


class ErrorRow(NamedTuple):
    """One error of one route."""

    occurrences: str
    route: str
    text: str
    first: str
    last: str
    status: str
    request_id: str
    body: str


def key_figures(run: Facts) -> list[tuple[str, str]]:
    """Return the most important figures, of the window where the run has one."""
    window = run.window
    total = window.total if window else run
    requests = ("requests", number(total.requests))
    share = total.failures / total.requests if total.requests else None
    failed = ("failed", formatting.percent(share))
    if window is None:
        return [("requests/s", formatting.NONE), requests, failed]
    times = (
        ("p50", window.total.p50_ms),
        ("p95", window.total.p95_ms),
        ("p99", window.total.p99_ms),
        ("p99 from start", _from_start_p99(window.total)),
        ("p95 of failed", _failed_p95(window.total)),
    )
    known = [(name, formatting.milliseconds(time)) for name, time in times if time is not None]
    return [("requests/s", number(window.rps)), *known, requests, failed]


def _from_start_p99(figures: Figures) -> float | None:
    """Return the p99 from when requests were due; None where the users had no pace."""
    return figures.from_start.p99_ms if figures.from_start else None


def _failed_p95(figures: Figures) -> float | None:
    """Return the p95 of the failed requests; None where none failed."""
    return figures.failed.p95_ms if figures.failed else None


def methods(run: Facts) -> list[Route]:
    """Return a row for each method and one for all methods; none where the run has no window."""
    if run.window is None:
        return []
    rows = [_route(name, figures) for name, figures in run.window.by_method.items()]
    return [*rows, _route("all", run.window.total)]


def routes(run: Facts) -> list[Route]:
    """Return a row for each route, sorted by path and method."""
    in_window = run.window.routes if run.window else []
    figures = {f"{route.method} {route.name}": route for route in in_window}
    names = sorted({*figures, *run.outcomes}, key=lambda name: (name.partition(" ")[2], name))
    targets = time_targets(run)
    return [_route(name, figures.get(name), run.outcomes.get(name, {}), targets) for name in names]


def _route(
    name: str,
    figures: Figures | None,
    outcomes: Mapping[str, int] = NO_OUTCOMES,
    targets: Sequence[Target] = (),
) -> Route:
    """Return a row; `figures` is None where the window has no request of the route."""
    method, _, path = name.partition(" ")
    times = (figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms) if figures else (None,) * 4
    return Route(
        name,
        number(figures.requests if figures else 0),
        number(figures.failures if figures else 0),
        bool(figures and figures.failures),
        [(outcome(status), f"{count:,}") for status, count in sorted(outcomes.items())],
        [number(time) for time in times],
        number(_from_start_p99(figures) if figures else None),
        number(_failed_p95(figures) if figures else None),
        nearest_target(targets, method, path, figures) if figures else None,
    )


def outcome(status: str) -> str:
    """Return a status as the report shows it."""
    return "no answer" if status == "0" else status


def errors(run: Facts) -> list[ErrorRow]:
    """Return the rows of the errors, the most frequent first."""
    ordered = sorted(run.errors, key=lambda error: (-error.occurrences, error.name, error.error))
    return [_error(error, with_body=place < MOST_BODIES) for place, error in enumerate(ordered[:MOST_ERRORS])]


def _error(error: ErrorFacts, *, with_body: bool) -> ErrorRow:
    sample = error.sample or ErrorSample()
    return ErrorRow(
        number(error.occurrences),
        f"{error.method} {error.name}".strip(),
        formatting.failure(error).removeprefix(f"{error.method} {error.name}: "),
        formatting.clock(error.first_at),
        formatting.clock(error.last_at),
        outcome(str(sample.status)) if sample.status is not None else "",
        sample.request_id or "",
        (sample.body or "") if with_body else "",
    )


def header(run: Facts) -> Iterator[tuple[str, str]]:
    """Yield names and values that tell this run from others."""
    if run.host:
        yield "Target", run.host
    if run.api_version:
        yield "API version", run.api_version
    if run.locustfile:
        yield "Locustfile", locustfile(run)
    yield "Run", run.id


def locustfile(run: Facts) -> str:
    """Return the name of the locustfile, with its git commit where that is known."""
    commit = f" (commit {run.locustfile_commit})" if run.locustfile_commit else ""
    return f"{run.locustfile}{commit}" if run.locustfile else formatting.NONE


def what_was_run(run: Facts) -> Iterator[tuple[str, str]]:
    """Yield names and values that describe the run, for readers who did not start it."""
    kinds = ", ".join(run.user_classes)
    lost = f", {len(run.lost_workers)} of them lost" if run.lost_workers else ""
    yield "Load", formatting.load_name(run)
    yield "Users", f"{number(run.users)}{f' ({kinds})' if kinds else ''}"
    yield "Workers", f"{number(run.workers)}{lost}"
    yield "Started", formatting.day(run.started_at)
    if window := run.window:
        bounds = f"{formatting.clock(window.start)} to {formatting.clock(window.end)} UTC"
        left_out = formatting.left_out(window)
        yield (
            "Window",
            f"{formatting.duration(window.seconds)}, {bounds}. All figures are from this time{left_out}",
        )
    if run.pace and run.pace.wanted_rps:
        yield "Planned rate", _planned_rate(run.pace, run.pace.wanted_rps)
    yield from _machine(run.machine)


def _planned_rate(pace: Pace, wanted: float) -> str:
    sent = f"; {number(pace.sent_rps)} requests/s were sent" if pace.sent_rps is not None else ""
    delay = formatting.milliseconds(pace.late_p99_ms) if pace.late_p99_ms else ""
    late = f"; 99 % of the requests were sent at most {delay} late" if delay else ""
    return f"{number(wanted)} requests/s{sent}{late}"


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    cores = count(machine.cores, "core") if machine.cores else ""
    size = formatting.memory(machine.memory_mb) if machine.memory_mb else ""
    if generator := ", ".join(filter(None, [cores, size, machine.kernel])):
        yield "Load generator", generator
    versions = (("Locust", machine.locust), ("Python", machine.python))
    if known := [f"{name} {version}" for name, version in versions if version]:
        yield "Versions", ", ".join(known)


def shares_cores(run: Facts) -> bool:
    """Return whether generator and target share cores: then each slows the other down."""
    return bool(run.machine.generator_shares_cores)


def stages(run: Facts) -> list[list[str]]:
    """Return a row for each stage; none where the run has only one stage."""
    names = ("users", "rps", "goodput", "refused", "failures", "p50_ms", "p95_ms", "p99_ms", "same_work_ms")
    rows = [[number(getattr(stage, name)) for name in names] for stage in run.stages]
    return rows if len(rows) > 1 else []


def races(run: Facts) -> list[list[str]]:
    """Return a row for each user class that raced."""
    races = [race for race in run.races if race.shots]
    classes = sorted({race.user_class for race in races})
    return [_races(name, [race for race in races if race.user_class == name]) for name in classes]


def _races(user_class: str, races: list[Race]) -> list[str]:
    winners = Counter(race.winners for race in races).most_common(3)
    overlaps = [race.overlap for race in races if race.overlap is not None]
    return [
        user_class,
        number(len(races)),
        number(median(race.racers for race in races)),
        ", ".join(f"{rounds:,} × {number_of:,}" for number_of, rounds in winners),
        f"{number(median(race.spread_ms for race in races))} ms",
        formatting.percent(fmean(overlaps)) if overlaps else formatting.NONE,
    ]


def events(run: Facts) -> list[tuple[str, str, str, str]]:
    """Return a row for each event: its number, time, name and facts."""
    return [
        (str(place), formatting.clock(event.at), formatting.title(event.name), formatting.event(event))
        for place, event in most_important(numbered(run), MOST_EVENTS)
    ]

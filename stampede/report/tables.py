"""What the report says in tables: rows of words, from a run's facts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any, NamedTuple

from stampede.facts.check import Facts
from stampede.report import formatting, series
from stampede.report.against import Against, against, of_times
from stampede.report.events import most_telling, numbered
from stampede.report.formatting import count, number
from stampede.targets.target import Target

TIMES = ("p50_ms", "p95_ms", "p99_ms", "max_ms")
MOST_ERRORS = 50
"""Rows of errors: more are of the same few causes."""
MOST_EVENTS = 200

Figures = Mapping[str, Any]


class Route(NamedTuple):
    """One route's row; `outcomes` are of the whole run, the figures of the window."""

    name: str
    requests: str
    failures: str
    is_failing: bool
    outcomes: list[tuple[str, str]]
    times: list[str]
    from_start_p99: str
    against: Against | None


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
    """What one asks first; of the window where there is one."""
    window = run.get("window") or {}
    figures = window.get("total") or _total(window)
    times = [(f"p{part}", f"p{part}_ms") for part in (50, 95, 99)]
    requests, failures = (figures.get(name, run[name]) for name in ("requests", "failures"))
    return [
        ("requests/s", number(window.get("rps"))),
        *(
            (name, formatting.milliseconds(figures[key]))
            for name, key in times
            if figures.get(key) is not None
        ),
        *(("p99 from start", formatting.milliseconds(late)) for late in [_late(figures)] if late is not None),
        ("requests", number(requests)),
        ("failed", formatting.percent(failures / requests) if requests else formatting.NONE),
    ]


def _total(window: Figures) -> Figures:
    """Of older runs, which have none: what can be added up."""
    methods = (window.get("by_method") or {}).values()
    if not methods:
        return {}
    return {name: sum(figures[name] for figures in methods) for name in ("requests", "failures")}


def _late(figures: Figures) -> float | None:
    """From when a request was due: what waiting for slow answers adds."""
    late: float | None = (figures.get("from_start") or {}).get("p99_ms")
    return late


def methods(run: Facts) -> list[Route]:
    """A row for each method, and one for all of them where there is one."""
    window = run.get("window") or {}
    rows = [_route(name, figures, {}) for name, figures in (window.get("by_method") or {}).items()]
    return [*rows, *([_route("all", window["total"], {})] if window.get("total") else [])]


def routes(run: Facts) -> list[Route]:
    """A row for each route, by its name."""
    outcomes = run["outcomes"]
    figures = {
        f"{each['method']} {each['name']}": each for each in (run.get("window") or {}).get("routes") or ()
    }
    names = sorted({*figures, *outcomes}, key=lambda name: (name.partition(" ")[2], name))
    targets = of_times(run)
    return [_route(name, figures.get(name, {}), outcomes.get(name, {}), targets) for name in names]


def _route(name: str, figures: Figures, outcomes: Mapping[str, int], targets: Sequence[Target] = ()) -> Route:
    method, _, path = name.partition(" ")
    failures = figures.get("failures", 0)
    return Route(
        name,
        number(figures.get("requests", 0)),
        number(failures),
        failures > 0,
        [(outcome(status), f"{times:,}") for status, times in sorted(outcomes.items())],
        [number(figures.get(time)) for time in TIMES],
        number(_late(figures)),
        against(targets, method, path, figures),
    )


def outcome(status: str) -> str:
    return "no answer" if status == "0" else status


def errors(run: Facts) -> list[ErrorRow]:
    """The most frequent first."""
    found = sorted(
        run.get("errors") or (), key=lambda each: (-each["occurrences"], each["name"], each["error"])
    )
    return [_error(each) for each in found[:MOST_ERRORS]]


def _error(error: Figures) -> ErrorRow:
    sample = error.get("sample") or {}
    return ErrorRow(
        number(error["occurrences"]),
        f"{error['method']} {error['name']}".strip(),
        formatting.failure(error).removeprefix(f"{error['method']} {error['name']}: "),
        formatting.clock(error.get("first_at", error.get("first_seen"))),
        formatting.clock(error.get("last_at", error.get("last_seen"))),
        outcome(str(sample["status"])) if sample.get("status") is not None else "",
        str(sample.get("request_id") or ""),
        str(sample.get("body") or ""),
    )


def what_was_run(run: Facts) -> Iterator[tuple[str, str]]:
    """What on what, for somebody who was not there."""
    window = run.get("window") or {}
    kinds = ", ".join(run.get("user_classes") or ())
    lost = f", {len(run['lost_workers'])} of them lost" if run.get("lost_workers") else ""
    yield "Profile", str(run["profile"] or "none: started by the numbers of the UI's form")
    yield "Users", f"{number(run['users'])}{f' ({kinds})' if kinds else ''}"
    yield "Workers", f"{number(run['workers'])}{lost}"
    yield "Target", str(run["host"] or formatting.NONE)
    yield "Locustfile", str(run.get("locustfile") or formatting.NONE)
    yield "Started", formatting.day(run["started_at"])
    if window:
        yield "Window", f"{formatting.duration(window['seconds'])}{_from_to(run)}: all figures are of it"
    yield from _offered(run.get("pace") or {})
    yield from _machine(run.get("machine") or {})
    yield "Run", str(run["id"])


def _from_to(run: Facts) -> str:
    bounds = series.window(run)
    return f", {formatting.clock(bounds[0])} to {formatting.clock(bounds[1])} UTC" if bounds else ""


def _offered(pace: Figures) -> Iterator[tuple[str, str]]:
    if pace.get("wanted_rps"):
        sent = f", {number(pace['sent_rps'])} were sent" if pace.get("sent_rps") is not None else ""
        late = f"; starts came {number(pace['late_p99_ms'])} ms late (p99)" if pace.get("late_p99_ms") else ""
        yield "Offered", f"{number(pace['wanted_rps'])} requests/s{sent}{late}"


def _machine(machine: Figures) -> Iterator[tuple[str, str]]:
    if not machine:
        return
    cores = count(machine["cores"], "core") if machine.get("cores") else ""
    size = formatting.memory(machine["memory_mb"]) if machine.get("memory_mb") else ""
    yield "Generator", ", ".join(filter(None, [cores, size, machine.get("kernel")]))
    made_of = [f"{name} {machine[key]}" for key, name in MADE_OF.items() if machine.get(key)]
    if made_of:
        yield "Made of", ", ".join(made_of)


MADE_OF = {"locust": "Locust", "python": "Python"}


def shares_cores(run: Facts) -> bool:
    """Whether the generator takes from the target what it measures."""
    return bool((run.get("machine") or {}).get("generator_shares_cores"))


def stages(run: Facts) -> list[list[str]]:
    """Where there are several: what more users did."""
    found = run.get("stages") or []
    names = ("users", "rps", "goodput", "refused", "failures", "p50_ms", "p95_ms", "p99_ms", "same_work_ms")
    return [[number(stage.get(name)) for name in names] for stage in found] if len(found) > 1 else []


def races(run: Facts) -> list[list[str]]:
    """A row for each kind of racer."""
    held = [race for race in run.get("races") or () if race["shots"]]
    kinds = sorted({race["user_class"] for race in held})
    return [_races(kind, [race for race in held if race["user_class"] == kind]) for kind in kinds]


def _races(kind: str, races: list[Figures]) -> list[str]:
    winners = Counter(race["winners"] for race in races).most_common(3)
    overlaps = [race["overlap"] for race in races if race["losers"]]
    return [
        kind,
        number(len(races)),
        number(median(race["racers"] for race in races)),
        ", ".join(f"{rounds:,} × {number_of:,}" for number_of, rounds in winners),
        f"{number(median(race['spread_ms'] for race in races))} ms",
        formatting.percent(fmean(overlaps)) if overlaps else formatting.NONE,
    ]


def events(run: Facts) -> list[tuple[str, str, str, str]]:
    """Number, time, what and the rest of it."""
    return [
        (str(place), formatting.clock(event["at"]), formatting.title(event["name"]), formatting.event(event))
        for place, event in most_telling(numbered(run), MOST_EVENTS)
    ]

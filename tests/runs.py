"""A plausible ``run.json``, small and always the same: what the report and the comparison are tested with."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from math import sin
from typing import Any, TypeVar

from msgspec.structs import asdict, replace

from stampede.facts.event import Event
from stampede.facts.figures import (
    Block,
    Figures,
    FromStart,
    Pace,
    RouteFigures,
    RouteOverTime,
    RoutesOverTime,
    Second,
    Window,
)
from stampede.facts.run_json import ApiCounts, Audit, ErrorFacts, ErrorSample, Facts, Phase
from stampede.facts.samples import (
    ApiSample,
    ClockOffset,
    DatabaseSample,
    HubLag,
    Machine,
    MasterSample,
    ProcessSample,
    Samples,
)
from stampede.facts.target import Figure, Kind, MeasuredTarget, Reading, Target
from stampede.facts.verdict_json import Check, Verdict
from tests.facts import facts, make

AnyFigures = TypeVar("AnyFigures", bound=Figures)

START = 1_795_381_620
"""Its first second, since the epoch."""

SECONDS, RAMP, DRAIN = 60, 5, 2
FREEZE = range(30, 32)
"""Seconds after the start in which nothing was answered."""

HOSTILE = "</script><script>document.title='caught'</script><img src=x onerror=alert(1)> | `x` @somebody \x07"
"""What a route, an error or an answer may hold."""

OUTCOMES = {
    "GET /products/": {"200": 20_650},
    "GET /products/{id}": {"200": 8_000, "404": 12},
    "POST /orders/": {"201": 12_000, "409": 638},
}


def run(**changes: Any) -> Facts:
    """The facts of a run in which all went well but for an API that froze for two seconds.

    A change may be given as JSON would have it, without what is nothing, zero or empty.
    """
    healthy = asdict(_run())
    if "seconds" not in changes:  # where the totals change, so does the last second
        totals = {name: changes.get(name, healthy[name]) for name in ("requests", "failures")}
        *rows, last = healthy["seconds"]
        rest = {name: total - sum(getattr(row, name) for row in rows) for name, total in totals.items()}
        healthy["seconds"] = [*rows, replace(last, **rest)]
    return facts(**{**healthy, **changes})


def _run() -> Facts:
    return Facts(
        id="20261122-210700-beef",
        phase=Phase.WRITING,
        interrupted=False,
        as_planned=True,
        profile="heavy",
        shape=None,
        user_classes=["OrderProcessingUser", "MonitoringUser"],
        host="http://api:8000",
        api_version="2.3.1",
        locustfile="load_tests/locustfile.py",
        locustfile_commit="1a2b3c4 + changes",
        users=200,
        workers=2,
        lost_workers=[],
        started_at=moment(START),
        written_at=moment(START + SECONDS + 4),
        requests=41_300,
        failures=0,
        outcomes=OUTCOMES,
        unreported={},
        overload=False,
        errors=[],
        exceptions=[],
        ended_users=[],
        window=window(),
        pace=Pace(wanted_rps=750, sent_rps=748.2, late_p99_ms=3.1, waited_late=12),
        promises={},
        audit=Audit(
            checks=[passed("no_oversell", "312 products"), passed("one_order_per_key", "12,638 keys")]
        ),
        counters=ApiCounts(api=OUTCOMES, addresses=["api:8000"], looks=SECONDS + 2),
        targets=[],
        aborted=None,
        stopped_by=None,
        locustfile_exit_code=None,
        stages=[],
        seconds=[second(place) for place in range(SECONDS)],
        routes_over_time=routes_over_time(),
        races=[],
        clock_set_s=0.0,
        machine=Machine(
            cores=2,
            memory_mb=7_950,
            generator_shares_cores=True,
            python="3.14.1",
            locust="2.47.0",
            kernel="6.12.0",
            id="3f0c9a52-7f60-4c1f-9a57-0b1f5c8d2e11",
        ),
        samples=Samples(
            api=[api(place) for place in range(SECONDS)],
            postgres=[postgres(place) for place in range(SECONDS)],
            master=[master(place) for place in range(SECONDS)],
            workers={
                "1-a1b2c3": [worker(place, 42) for place in range(SECONDS)],
                "2-d4e5f6": [worker(place, 39) for place in range(SECONDS)],
            },
        ),
        statements=[],
        clocks={
            "1-a1b2c3": ClockOffset(offset_ms=0.2, uncertainty_ms=0.4),
            "2-d4e5f6": ClockOffset(offset_ms=-0.1, uncertainty_ms=0.3),
        },
        ramp_lag={},
        hub_lag={
            "1-a1b2c3": HubLag(p99_ms=1.3, max_ms=6.1, own_p99_ms=1.1),
            "2-d4e5f6": HubLag(p99_ms=1.2, max_ms=5.8, own_p99_ms=1.0),
        },
        events=[
            Event(name="depleted", at=START + 12.4, facts={"product_id": 1009}),
            Event(name="restocked", at=START + 14.9, facts={"product_id": 1009, "units": 20}),
            Event(name="api_restarted", at=START + 29.2, last_look=START + 28.0, address="api:8000"),
        ],
    )


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def passed(name: str, detail: str) -> Check:
    return Check(name=name, verdict=Verdict.PASS, examined=9, count=0, detail=detail)


def error(**changes: Any) -> ErrorFacts:
    """One kind of failure of one route."""
    usual = ErrorFacts(
        method="POST",
        name="/orders/",
        error="CatchResponseError('POST /orders/: 500')",
        occurrences=41,
        first_at=START + 30.0,
        last_at=START + 33.0,
        sample=ErrorSample(status=500, body='{"title": "Internal Server Error"}', request_id="f3b1-77"),
    )
    return make(ErrorFacts, **{**asdict(usual), **changes})


def target(name: str, limit: float, actual: float) -> MeasuredTarget:
    """A limit of a time, in ms, and what was measured."""
    return MeasuredTarget(
        Target(name, Figure(Kind.TIME, name), "<", limit, "ms"), Reading(actual, 38_900, "38,900 requests")
    )


def window() -> Window:
    start, end = START + RAMP, START + SECONDS - DRAIN
    return with_blocks(_window(start, end))


def _window(start: int, end: int) -> Window:
    return Window(
        start=start,
        end=end,
        seconds=end - start,
        moving_seconds=0,
        rps=748.2,
        by_method={"GET": figures(27_000, 3.4), "POST": figures(11_900, 9.8)},
        total=figures(38_900, 5.2),
        routes=[
            route("GET", "/products/", figures(19_400, 3.1)),
            route("GET", "/products/{id}", figures(7_600, 3.3)),
            route("POST", "/orders/", figures(11_900, 9.8)),
        ],
    )


def with_blocks(of: Window) -> Window:
    """The window with ten blocks, whose figures are a little above and below its own."""
    edges = [of.start + (of.end - of.start) * place // 10 for place in range(11)]
    blocks = [
        block(of, start, end, 1 + 0.02 * (-1) ** place) for place, (start, end) in enumerate(pairwise(edges))
    ]
    return replace(of, blocks=blocks)


def block(of: Window, start: int, end: int, factor: float) -> Block:
    """A part of a window, in which all times are longer by a factor, and fewer requests were sent."""
    return Block(
        start=start,
        end=end,
        rps=of.rps / factor,
        total=longer(of.total, factor),
        by_method={method: longer(figures, factor) for method, figures in of.by_method.items()},
        routes=[longer(route, factor) for route in of.routes],
    )


def longer(of: AnyFigures, factor: float) -> AnyFigures:
    times = {name: (getattr(of, name) or 0.0) * factor for name in ("avg_ms", "p50_ms", "p95_ms", "p99_ms")}
    return replace(of, **times)


def route(method: str, name: str, of: Figures) -> RouteFigures:
    return RouteFigures(method=method, name=name, **asdict(of))


def figures(requests: int, middle: float) -> Figures:
    return Figures(
        requests=requests,
        failures=0,
        avg_ms=round(middle * 1.3, 2),
        p50_ms=middle,
        p95_ms=middle * 4,
        p99_ms=middle * 9,
        max_ms=2_010.0,
        from_start=FromStart(p50_ms=middle, p95_ms=middle * 5, p99_ms=1_720.0, max_ms=2_050.0),
        failed=None,
    )


def second(place: int) -> Second:
    """Some requests, with the time they took."""
    is_frozen, is_over = place in FREEZE, place >= SECONDS - DRAIN
    share = 0.0 if is_over else min(place / RAMP, 1.0)
    requests = 0 if is_frozen else round(750 * share * (1 + 0.04 * sin(place)))
    ordered = requests * 2 // 7
    slow = 40.0 if place == FREEZE.stop else 1.0
    p99 = (31 + 6 * sin(place * 2)) * slow
    return Second(
        second=START + place,
        users=round(200 * share),
        target_users=0 if is_over else 200,
        planned_users=0 if is_over else round(200 * share),
        starting_users=0,
        workers=2,
        requests=requests,
        failures=0,
        outcomes={"200": requests - ordered - 11, "201": ordered, "409": 11} if requests else {},
        unanswered=0,
        p50_ms=3.2 if requests else None,
        p95_ms=14.0 + sin(place) if requests else None,
        p99_ms=p99 if requests else None,
        max_ms=p99 * 1.5 if requests else None,
        from_start_p99_ms=p99 + (900 if place == FREEZE.stop else 2) if requests else None,
    )


def routes_over_time() -> RoutesOverTime:
    """Each route takes its share of all requests."""
    rows = [second(place) for place in range(SECONDS)]
    return RoutesOverTime(
        start=START,
        step_s=1,
        bounds_ms=[1.0, 2.0, 4.0, 8.0],
        routes=[
            _over_time(rows, "GET", "/products/", 2),
            _over_time(rows, "GET", "/products/{id}", 5),
            _over_time(rows, "POST", "/orders/", 3),
        ],
    )


def _over_time(rows: list[Second], method: str, name: str, part: int) -> RouteOverTime:
    return RouteOverTime(
        method=method,
        name=name,
        requests=[row.requests // part for row in rows],
        failures=[0 for _ in rows],
        p50_ms=[row.p50_ms for row in rows],
        p95_ms=[row.p95_ms for row in rows],
        p99_ms=[row.p99_ms for row in rows],
        distribution=[0, 100 * part, 800, 90, 10],
    )


def api(place: int) -> ApiSample:
    return ApiSample(
        second=START + place,
        cpu_percent=61 + 7 * sin(place / 2),
        cpu_limit_cores=None,
        memory_mb=182 + place / 10,
        memory_limit_mb=512,
        throttled_percent=0.0,
        in_flight=3,
        waiting=0,
        pool_in_use=3,
        pool_size=16,
        pool_waits=0,
    )


def postgres(place: int) -> DatabaseSample:
    return DatabaseSample(
        second=START + place,
        cpu_percent=38 + 5 * sin(place / 3),
        cpu_limit_cores=None,
        memory_mb=140 + place,
        memory_limit_mb=None,
        throttled_percent=None,
        connections={"active": 3 + place % 2, "idle": 13, "idle in transaction": place % 3},
        max_connections=100,
        waits={"Lock:transactionid": place % 2, "IO:WalSync": 1},
        commits=260,
        rollbacks=11,
        deadlocks=0,
        locks_waiting=place % 2,
        cache_hit_percent=99.9,
        size_mb=12.4 + place / 20,
    )


def worker(place: int, cpu_percent: float) -> ProcessSample:
    return ProcessSample(
        second=START + place,
        cpu_percent=cpu_percent + 4 * sin(place),
        cpu_limit_cores=1.0,
        memory_mb=96.0,
        memory_limit_mb=None,
        throttled_percent=0.0,
        waited_percent=6 + 2 * sin(place),
        same_work_ms=0.25 + 0.01 * sin(place),
        hub_lag_ms=1.2 + sin(place),
        hub_lag_p99_ms=0.9,
    )


def master(place: int) -> MasterSample:
    return MasterSample(reports_late=0, **asdict(worker(place, 6)))

"""The figures of a part of a run, in whole seconds. A request counts in the second of its answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import ceil
from typing import NamedTuple

from msgspec.structs import asdict

from stampede.counting.latency import Histogram, IsWanted, Latencies, mean, percentile
from stampede.counting.names import Route
from stampede.facts.figures import Block, Failed, Figures, FromStart, Pace, RouteFigures, Window

LATE_MS = 10.0
"""A request is late if it is sent at least so long after it was due; less is normal on a busy worker."""

BLOCKS = 10
"""Into how many blocks a window is cut. Between 10 and 30 blocks show the spread of a figure well enough, and
fewer blocks are longer: B. Schmeiser, Batch size effects in the analysis of simulation output (1982)."""

BLOCK_SECONDS = 2
"""The least length of a block: neighbouring seconds depend on each other."""

BLOCK_REQUESTS = 100
"""A route with fewer requests in the window has no figures in its blocks: each would be of a few requests."""


class Percentiles(NamedTuple):
    """Percentiles of times in ms; None where there are no times."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def whole_seconds(start: float, end: float) -> tuple[int, int]:
    """Return the first whole second between two times, and the second after the last one."""
    return ceil(start), int(end)


def figures(latencies: Latencies, start: int, end: int, routes: IsWanted | None = None) -> Figures:
    """Return the figures of the requests that were answered or failed in the seconds [start, end)."""
    return Figures(
        requests=latencies.requests(start, end, routes),
        failures=latencies.failures(start, end, routes),
        **_times(latencies.histogram(start, end, routes)),
        from_start=_from_start(latencies.histogram(start, end, routes, from_start=True)),
        failed=_failed(latencies, start, end, routes),
    )


def _times(times: Histogram) -> dict[str, float | None]:
    average = mean(times)
    return {
        "avg_ms": None if average is None else round(average, 2),
        **percentiles(times)._asdict(),
        "max_ms": max(times, default=None),
    }


def _failed(latencies: Latencies, start: int, end: int, routes: IsWanted | None) -> Failed | None:
    if not latencies.failures(start, end, routes):
        return None
    return Failed(
        unanswered=latencies.unanswered(start, end, routes),
        **_times(latencies.failed(start, end, routes)),
    )


def _from_start(times: Histogram) -> FromStart | None:
    return FromStart(**percentiles(times)._asdict(), max_ms=max(times)) if times else None


def percentiles(times: Histogram) -> Percentiles:
    """Return the percentiles that all reports and pages show."""
    return Percentiles(*(percentile(times, share) for share in (0.50, 0.95, 0.99)))


def window(latencies: Latencies, seconds: range, kept: Sequence[int], *, with_blocks: bool = False) -> Window:
    """Return all figures of a window of at least one second: in total, by method and by route.

    They are of the `kept` seconds, in which no workers joined or left; of all seconds where there is none.
    What was answered after the last second was sent before its end. It counts in all figures but the rate.
    """
    counted = kept or seconds
    late = late_answers(latencies, seconds, counted)
    routes, one_second = latencies.routes(), latencies.as_one_second([*counted, *late])
    return Window(
        start=seconds.start,
        end=seconds.stop,
        seconds=len(seconds),
        moving_seconds=len(seconds) - len(kept),
        rps=_rate(latencies, counted),
        total=figures(one_second, 0, 1),
        by_method=_by_method(one_second, routes),
        routes=[_route_figures(one_second, route) for route in routes],
        blocks=[*_blocks(latencies, one_second, counted, late)] if with_blocks else [],
    )


def _blocks(latencies: Latencies, window: Latencies, counted: Sequence[int], late: range) -> Iterator[Block]:
    """Yield the figures of each block. What was answered after the window was sent in its last block."""
    routes = latencies.routes()
    frequent = [route for route in routes if window.of_routes(route).requests(0, 1) >= BLOCK_REQUESTS]
    number = min(BLOCKS, len(counted) // BLOCK_SECONDS)
    for place in range(number):
        start, end = (len(counted) * edge // number for edge in (place, place + 1))
        seconds = counted[start:end]
        one_second = latencies.as_one_second([*seconds, *(late if end == len(counted) else ())])
        yield Block(
            start=seconds[0],
            end=seconds[-1] + 1,
            rps=_rate(latencies, seconds),
            total=figures(one_second, 0, 1),
            by_method=_by_method(one_second, routes),
            routes=[_route_figures(one_second, route) for route in frequent],
        )


def _by_method(one_second: Latencies, routes: Iterable[Route]) -> dict[str, Figures]:
    return {
        wanted: figures(one_second, 0, 1, partial(_is_method, wanted))
        for wanted in sorted({method for method, _ in routes})
    }


def late_answers(latencies: Latencies, seconds: range, kept: Sequence[int]) -> range:
    """Return the seconds after a window in which requests were answered that were sent in it.

    There are none where the window's last second is not kept: what was sent in it does not count.
    """
    if not kept or kept[-1] != seconds[-1]:
        return range(seconds.stop, seconds.stop)
    return range(seconds.stop, latencies.drain_end(seconds.stop))


def _route_figures(one_second: Latencies, route: Route) -> RouteFigures:
    method, name = route
    return RouteFigures(method=method, name=name, **asdict(figures(one_second.of_routes(route), 0, 1)))


def pace(latencies: Latencies, seconds: Sequence[int], wanted_rps: float | None) -> Pace:
    """Return the rates wanted and reached in these seconds, and how late requests were sent."""
    lateness = latencies.as_one_second(seconds).lateness(0, 1)
    return Pace(
        wanted_rps=wanted_rps,
        sent_rps=_rate(latencies, seconds),
        late_p99_ms=percentile(lateness, 0.99),
        waited_late=sum(count for late, count in lateness.items() if late >= LATE_MS),
    )


def _rate(latencies: Latencies, seconds: Sequence[int]) -> float:
    return round(sum(latencies.requests(second, second + 1) for second in seconds) / len(seconds), 1)


def _is_method(wanted: str, method: str, _name: str) -> bool:
    return method == wanted

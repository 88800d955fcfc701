"""The figures of a part of a run, in whole seconds. A request counts in the second of its answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from msgspec.structs import asdict

from stampede.counting.latency import Latencies, all_percentiles, mean, percentile
from stampede.counting.names import Route
from stampede.counting.times import Histogram, Sum
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


def figures(requests: Sum) -> Figures:
    """Return the figures of some requests."""
    return Figures(
        requests=requests.requests,
        failures=requests.failures,
        **_times(requests.times.histogram()),
        from_start=_from_start(requests.from_start.histogram()),
        failed=_failed(requests),
    )


def _times(times: Histogram) -> dict[str, float | None]:
    average = mean(times)
    return {
        "avg_ms": None if average is None else round(average, 2),
        **percentiles(times)._asdict(),
        "max_ms": max(times, default=None),
    }


def _failed(requests: Sum) -> Failed | None:
    if not requests.failures:
        return None
    return Failed(unanswered=requests.unanswered, **_times(requests.failed.histogram()))


def _from_start(times: Histogram) -> FromStart | None:
    return FromStart(**percentiles(times)._asdict(), max_ms=max(times)) if times else None


def percentiles(times: Histogram) -> Percentiles:
    """Return the percentiles that all reports and pages show."""
    return Percentiles(*all_percentiles(times, (0.50, 0.95, 0.99)))


def window(latencies: Latencies, seconds: range, kept: Sequence[int], *, with_blocks: bool = False) -> Window:
    """Return all figures of a window of at least one second: in total, by method and by route.

    They are of the `kept` seconds, in which no workers joined or left; of all seconds where there is none.
    What was answered after the last second was sent before its end. It counts in all figures but the rate.
    """
    counted = kept or seconds
    late = late_answers(latencies, seconds, counted)
    routes, sums = latencies.routes(), latencies.by_route([*counted, *late])
    by_method = _by_method(sums, routes)
    total = Sum.of(by_method.values())
    return Window(
        start=seconds.start,
        end=seconds.stop,
        seconds=len(seconds),
        moving_seconds=len(seconds) - len(kept),
        rps=_rate(total.requests - latencies.sum(late).requests, counted),
        total=figures(total),
        by_method={method: figures(requests) for method, requests in by_method.items()},
        routes=[_route_figures(sums, route) for route in routes],
        blocks=[*_blocks(latencies, sums, counted, late)] if with_blocks else [],
    )


def _blocks(
    latencies: Latencies, window: Mapping[Route, Sum], counted: Sequence[int], late: range
) -> Iterator[Block]:
    """Yield the figures of each block. What was answered after the window was sent in its last block."""
    routes = latencies.routes()
    frequent = [route for route in routes if _of(window, route).requests >= BLOCK_REQUESTS]
    for seconds in _cut(latencies.units(counted), min(BLOCKS, len(counted) // BLOCK_SECONDS)):
        after = late if seconds[-1] == counted[-1] else ()
        sums = latencies.by_route([*seconds, *after])
        by_method = _by_method(sums, routes)
        total = Sum.of(by_method.values())
        yield Block(
            start=seconds[0],
            end=seconds[-1] + 1,
            rps=_rate(total.requests - latencies.sum(after).requests, seconds),
            total=figures(total),
            by_method={method: figures(requests) for method, requests in by_method.items()},
            routes=[_route_figures(sums, route) for route in frequent],
        )


def _cut(units: Sequence[Sequence[int]], number: int) -> list[list[int]]:
    """Return the seconds of these units in so many parts, about as many in each; less where units are few."""
    if not number:  # the window is shorter than a block
        return []
    length, parts, before = sum(map(len, units)), [list[int]() for _ in range(number)], 0
    for unit in units:
        middle = before + (len(unit) - 1) / 2
        parts[ceil((middle + 1) * number / length) - 1].extend(unit)
        before += len(unit)
    return [part for part in parts if part]


def _of(sums: Mapping[Route, Sum], route: Route) -> Sum:
    return sums.get(route) or Sum()


def _by_method(sums: Mapping[Route, Sum], routes: Iterable[Route]) -> dict[str, Sum]:
    by_method = {method: Sum() for method in sorted({method for method, _ in routes})}
    for (method, _name), requests in sums.items():
        by_method[method].add(requests)
    return by_method


def late_answers(latencies: Latencies, seconds: range, kept: Sequence[int]) -> range:
    """Return the seconds after a window in which requests were answered that were sent in it.

    There are none where the window's last second is not kept: what was sent in it does not count.
    """
    if not kept or kept[-1] != seconds[-1]:
        return range(seconds.stop, seconds.stop)
    return range(seconds.stop, latencies.drain_end(seconds.stop))


def _route_figures(sums: Mapping[Route, Sum], route: Route) -> RouteFigures:
    method, name = route
    return RouteFigures(method=method, name=name, **asdict(figures(_of(sums, route))))


def pace(latencies: Latencies, seconds: Sequence[int], wanted_rps: float | None) -> Pace:
    """Return the rates wanted and reached in these seconds, and how late requests were sent."""
    requests = latencies.sum(seconds)
    lateness = requests.late.histogram()
    return Pace(
        wanted_rps=wanted_rps,
        sent_rps=_rate(requests.requests, seconds),
        late_p99_ms=percentile(lateness, 0.99),
        waited_late=sum(count for late, count in lateness.items() if late >= LATE_MS),
    )


def _rate(requests: int, seconds: Sequence[int]) -> float:
    return round(requests / len(seconds), 1)

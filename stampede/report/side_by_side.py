"""Puts the figures of two runs side by side, and judges each of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stampede.facts.figures import Block, Figures, Window
from stampede.facts.run_json import Facts
from stampede.facts.samples import Sample
from stampede.facts.verdict_json import Verdict
from stampede.report import difference, failure_share, formatting, series
from stampede.report.difference import Band, Interval, Mark, Measured
from stampede.report.failure_share import Failures
from stampede.verdict.kept_up import workers_got_cores

RATE = "requests/s"
FAILURES = "failures, %"
TIMES = {"avg_ms": "avg, ms", "p50_ms": "p50, ms", "p95_ms": "p95, ms", "p99_ms": "p99, ms"}
FROM_START = "p99 from start, ms"
MAX = "max, ms"
FAILED_P95 = "p95 of failed, ms"
CPU = "CPU, % of a core"
CPU_TIME = "CPU, ms per request"
MEMORY = "memory, MB"
SAME_WORK = "ms for the same work"

NOT_JUDGED = (MAX, FAILED_P95, CPU, MEMORY, SAME_WORK)
"""Figures of which more is neither better nor worse, and the longest time, which is of one request."""

PERCENTILES = {"p50, ms": 0.5, "p95, ms": 0.95, "p99, ms": 0.99, FROM_START: 0.99}

RESOLUTION = {RATE: 0.1, CPU_TIME: 0.01}
"""The smallest step of a figure; that of times is 0.1 ms."""

LEAST_MS = 0.3
"""Times that differ by less are the same: by three steps of a time, which is rounded to 0.1 ms."""

Key = tuple[str, str]
"""The group and the name of a figure: `("GET /products/", "p99, ms")`."""


class Row(NamedTuple):
    """One figure of both runs."""

    group: str
    name: str
    a: Measured | Failures | None
    b: Measured | Failures | None
    mark: Mark | None = None
    """None where the figure is not judged."""
    interval: Interval | None = None
    """Of B - A."""
    needed: str = ""
    """What is needed in each run to judge the figure, such as `1,000 requests`; empty where it is there."""


def rows(a: Facts, b: Facts) -> list[Row]:
    """Return a row for every figure that at least one of the runs has."""
    of_a, of_b = dict(_figures(a)), dict(_figures(b))
    keys = _by_group([*of_a, *(key for key in of_b if key not in of_a)])
    pairs = [Row(*key, of_a.get(key), of_b.get(key)) for key in keys]
    pairs = [_with_need(row) for row in pairs if not _is_without_failures(row)]
    judged = sum(_can_be_judged(row) for row in pairs)
    slower, waited = _slower(a, b), _waited(a, b)
    return [
        _judged(row, difference.ERROR / judged, _allowed(row.name, slower, waited))
        if _can_be_judged(row)
        else row
        for row in pairs
    ]


def _by_group(keys: Sequence[Key]) -> list[Key]:
    """Return the keys of each group together, groups in the order of their first key."""
    groups = {group: place for place, group in enumerate(dict.fromkeys(group for group, _ in keys))}
    return sorted(keys, key=lambda key: groups[key[0]])


def _is_without_failures(row: Row) -> bool:
    """Return whether a row of a single route would only show that neither run has failures of it."""
    figures = [each for each in (row.a, row.b) if each]
    return row.name == FAILURES and row.group != "whole" and not any(each.value for each in figures)


def _with_need(row: Row) -> Row:
    """Return the row, marked where there are too few samples to judge it."""
    if row.a is None or row.b is None or row.name in NOT_JUDGED:
        return row
    requests = difference.needed(PERCENTILES.get(row.name))
    if min(row.a.n, row.b.n) < requests:
        return row._replace(mark=Mark.TOO_FEW, needed=f"{requests:,} requests")
    blocks = [len(each.blocks) for each in (row.a, row.b) if isinstance(each, Measured)]
    if blocks and min(blocks) < difference.FEWEST_BLOCKS:
        return row._replace(mark=Mark.TOO_FEW, needed=f"{difference.FEWEST_BLOCKS} blocks")
    return row


def _can_be_judged(row: Row) -> bool:
    return row.a is not None and row.b is not None and row.name not in NOT_JUDGED and not row.needed


def _judged(row: Row, error: float, allowed: Band) -> Row:
    match row.a, row.b:
        case Failures() as a, Failures() as b:
            return row._replace(
                mark=failure_share.mark(a, b, error), interval=failure_share.interval(a, b, error)
            )
        case Measured() as a, Measured() as b:
            interval = difference.interval(a, b, error, RESOLUTION.get(row.name, 0.1))
            mark = difference.mark(a, interval, allowed, row.name == RATE)
            return row._replace(mark=mark, interval=interval)
    return row


def _allowed(name: str, slower: float, waited: float) -> Band:
    """Return the differences that do not count.

    The cores of B were slower than those of A, and its workers waited for cores longer, by these factors.
    """
    if name == CPU_TIME:
        return difference.band(slower)
    if name == RATE:
        return difference.band(1 / (slower * waited))
    return difference.band(slower * waited, LEAST_MS)


def _slower(a: Facts, b: Facts) -> float:
    """Return how many times as long cores took for the same work in B; 1 where that is not known."""
    of_a, of_b = (series.mean(series.in_window(run, series.same_work(run)), "same_work_ms") for run in (a, b))
    return of_b / of_a if of_a and of_b else 1.0


def _waited(a: Facts, b: Facts) -> float:
    """Return how many times as long workers took for their work in B, because they waited for cores.

    It is 1 where both runs pass VALID's check of these waits. Below the limit of this check, waits may be
    longer because the API uses more CPU: that is a difference to find. Above the limit, a worker measures its
    own waits.
    """
    if all(workers_got_cores(run).verdict is not Verdict.UNKNOWN for run in (a, b)):
        return 1.0
    of_a, of_b = _time_for_cpu(a), _time_for_cpu(b)
    return of_b / of_a if of_a and of_b else 1.0


def _time_for_cpu(run: Facts) -> float | None:
    """Return how much time the workers needed for a second of CPU; None where that is not known."""
    rows = [row for rows in run.samples.workers.values() for row in series.in_window(run, rows)]
    cpu, waited = series.mean(rows, "cpu_percent"), series.mean(rows, "waited_percent")
    return (cpu + waited) / cpu if cpu and waited is not None else None


def _figures(run: Facts) -> Iterator[tuple[Key, Measured | Failures]]:
    if run.requests:
        yield ("whole", FAILURES), Failures(run.failures, run.requests)
    if run.window:
        yield from _of_window(run.window)
        yield from _of_roles(run, run.window)
    same_work = series.in_window(run, series.same_work(run))
    if (mean := series.mean(same_work, "same_work_ms")) is not None:
        yield ("cores", SAME_WORK), Measured(mean, series.length(same_work))


def _of_window(window: Window) -> Iterator[tuple[Key, Measured | Failures]]:
    blocks = [{key: value for key, value, _ in _of_part(block)} for block in window.blocks]
    for key, value, n in _of_part(window):
        yield key, Measured(value, n, [block[key] for block in blocks if key in block])
    for route in window.routes:
        if route.requests:
            yield (f"{route.method} {route.name}", FAILURES), Failures(route.failures, route.requests)


def _of_part(part: Window | Block) -> Iterator[tuple[Key, float, int]]:
    """Yield the figures of the window, or of a block, each with the number of its requests."""
    yield ("whole", RATE), part.rps, part.total.requests
    yield from _times("whole", part.total)
    for method, figures in part.by_method.items():
        yield from _times(method, figures)
    for route in part.routes:
        yield from _times(f"{route.method} {route.name}", route)


def _times(group: str, figures: Figures) -> Iterator[tuple[Key, float, int]]:
    answered = figures.requests - (figures.failed.unanswered if figures.failed else 0)
    named = {name: getattr(figures, field) for field, name in TIMES.items()}
    if figures.from_start:
        named[FROM_START] = figures.from_start.p99_ms
    named[MAX] = figures.max_ms
    for name, time in named.items():
        if time is not None:
            yield (group, name), time, answered
    if figures.failed and figures.failed.p95_ms is not None:
        yield (group, FAILED_P95), figures.failed.p95_ms, figures.failures


def _of_roles(run: Facts, window: Window) -> Iterator[tuple[Key, Measured]]:
    """Yield CPU and memory of each role, and of the workers together."""
    workers = []
    for role in series.roles(run):
        rows_of_role = series.in_window(run, role.rows)
        if role.key == "worker":
            workers.append(rows_of_role)
            continue
        yield from _resources(role.name, [rows_of_role])
        if role.key in ("api", "postgres") and (cpu := _cpu_time(rows_of_role, window)):
            yield (role.name, CPU_TIME), cpu
    if workers:
        yield from _resources("all workers", workers)


def _resources(group: str, processes: Sequence[Sequence[Sample]]) -> Iterator[tuple[Key, Measured]]:
    """Yield the means of CPU and memory, summed over the processes of a role."""
    for field, name in (("cpu_percent", CPU), ("memory_mb", MEMORY)):
        means = [mean for rows in processes if (mean := series.mean(rows, field)) is not None]
        if means:
            yield (group, name), Measured(sum(means), max(map(series.length, processes)))


def _cpu_time(samples: Sequence[Sample], window: Window) -> Measured | None:
    """Return the CPU time of a role per request, in ms. Unlike its CPU, it does not rise with the load."""
    cpu = series.mean(samples, "cpu_percent")
    if cpu is None or not window.rps:
        return None
    blocks = []
    for block in window.blocks:
        of_block = [row for row in samples if block.start <= row.second < block.end]
        mean = series.mean(of_block, "cpu_percent")
        if mean is not None and block.rps:
            blocks.append(mean * 10 / block.rps)
    return Measured(cpu * 10 / window.rps, window.total.requests, blocks)


def cells(row: Row) -> tuple[str, str, str, str, str]:
    """Return A, B, their ratio, the interval of B - A, and the number of samples of both, as text."""
    a, b = (None if each is None else each.value for each in (row.a, row.b))
    ratio = f"{b / a:.2f} ×" if a and b is not None else formatting.NONE
    between = formatting.NONE
    if row.interval:
        between = f"{formatting.change(row.interval.low)} to {formatting.change(row.interval.high)}"
    samples = " | ".join(formatting.NONE if each is None else f"{each.n:,}" for each in (row.a, row.b))
    return formatting.number(a), formatting.number(b), ratio, between, samples


def marked(row: Row) -> str:
    """Return the mark of a row in words, with what is needed to judge it."""
    if row.mark is None:
        return ""
    return f"{row.mark} ({row.needed} needed)" if row.needed else row.mark.value

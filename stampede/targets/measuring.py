"""Targets, measured: on the master, over the window of a run, from what was counted second by second.

Ramp-up and drain are outside, but what is answered in the drain was sent in the window: its time and its
outcome count, else an API that freezes until the end would have been fast. What is to hold for some seconds
is measured over any so many in a row, and the worst of them counts; what is to hold of every route, or of
all workers, at the worst of them. Where to look for a figure is stampede/targets/evidence.py's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from stampede.counting.latency import mean, percentile
from stampede.facts.target import Figure, Kind, MeasuredTarget, Reading, Target
from stampede.targets.evidence import Evidence, Fetch, Found

SENT = (Kind.TIME, Kind.STABLE, Kind.ERRORS, Kind.STATUS)
"""Figures of requests that were sent in the window, whenever they are answered; a rate is of its seconds."""


def measure(target: Target, evidence: Evidence, seconds: range, drained: int | None = None) -> Reading:
    """What a target's figure was in some whole seconds since the epoch. Where it is known when all that was
    sent in them was answered, before the second `drained`, what came late counts too."""
    where = evidence.of(target)
    if drained is not None and target.figure.kind in SENT:
        where = {name: _with_the_late(fetch, seconds.stop, drained) for name, fetch in where.items()}
    if not where:
        return Reading(None, 0, _nothing_of(target))
    if len(seconds) < (target.seconds or (3 if target.figure.kind is Kind.STABLE else 1)):
        return Reading(None, 0, f"the window has {len(seconds)} whole seconds: too few for it")
    return worst(target, {name: _reading(target, fetch, seconds) for name, fetch in where.items()})


def read(target: Target, counts: Found, seconds: int) -> Reading:
    """What a target's figure is by the counts of so many seconds."""
    figure = target.figure
    count = counts["requests"] if figure.kind in (Kind.RPS, Kind.ERRORS) else counts.total()
    what = _counted(count, "sample" if figure.role else "request")
    actual = _actual(target, counts, seconds)
    if actual is None:
        return Reading(None, count, "nobody was paced" if figure.from_start else "no request in that time")
    if figure.kind is Kind.TIME and count < figure.fewest:
        slowest = float(max(counts))
        if figure.routes.group == "every" and target.is_met_by(slowest):  # then any percentile is
            return Reading(slowest, count, f"the slowest of {what}")
        few = f"{what} only: too few for a {figure.statistic}, which takes {figure.fewest:,}"
        return Reading(None, count, few)
    return Reading(float(f"{actual:.6g}"), count, what)


def worst(target: Target, readings: Mapping[str, Reading]) -> Reading:
    """The one that is farthest on the wrong side. What is beyond the limit decides, whatever is not known.
    Who is silent has no times, and the lowest rate there is."""
    met = {name: reading for name, reading in readings.items() if reading.count or reading.actual is not None}
    if len(readings) == 1 or not met:
        return next(iter(readings.values()))
    unknown = [name for name, reading in met.items() if reading.actual is None]
    known = [name for name, reading in met.items() if reading.actual is not None]
    known.sort(key=lambda name: _badness(target, met[name]), reverse=True)
    beyond = [name for name in known if not target.is_met_by(met[name].actual or 0.0)]
    name = [*beyond, *unknown, *known][0]
    return replace(met[name], detail=f"the worst of {len(met)}: {name}, {met[name].detail}")


def results(
    targets: Iterable[Target], evidence: Evidence, seconds: range, beyond: tuple[Target, Reading] | None
) -> list[MeasuredTarget]:
    """Return what was measured of each target in a run. Of one that ended the run, what was measured then."""
    ended, then = beyond or (None, None)
    drained = evidence.drained(seconds.stop)
    return [
        MeasuredTarget(target, then, aborted=True)
        if target == ended
        else MeasuredTarget(target, measure(target, evidence, seconds, drained))
        for target in targets
    ]


def _with_the_late(fetch: Fetch, end: int, drained: int) -> Fetch:
    """As if what was answered after the `end` had been answered in the last second before it."""
    return lambda start, stop: fetch(start, drained if stop == end else stop)


def _reading(target: Target, fetch: Fetch, seconds: range) -> Reading:
    if target.figure.kind is Kind.STABLE:
        return _stability(fetch, seconds)
    if target.seconds is None:
        return read(target, fetch(seconds.start, seconds.stop), len(seconds))
    return _worst_span(target, fetch, seconds, target.seconds)


def _worst_span(target: Target, fetch: Fetch, seconds: range, length: int) -> Reading:
    """Where little was answered it may have been slow: that is not left out, as if it had been fast."""
    found = [
        (read(target, counts, length), max(counts, default=0)) for counts in _spans(fetch, seconds, length)
    ]
    known = [reading for reading, _ in found if reading.actual is not None]
    if not known:
        return max((reading for reading, _ in found), key=lambda reading: reading.count)
    worst_known = max(known, key=lambda reading: _badness(target, reading))
    if not target.is_met_by(worst_known.actual or 0.0):
        return worst_known
    unknown = [(reading, slowest) for reading, slowest in found if reading.actual is None and reading.count]
    return next((reading for reading, slowest in unknown if not target.is_met_by(slowest)), worst_known)


def _spans(fetch: Fetch, seconds: range, length: int) -> Iterator[Found]:
    """The counts of any so many seconds in a row."""
    each = [fetch(second, second + 1) for second in seconds]
    counts: Found = Counter()
    for index, newest in enumerate(each):
        counts += newest
        if index >= length:
            counts -= each[index - length]
        if index >= length - 1:
            yield counts


def _stability(fetch: Fetch, seconds: range) -> Reading:
    """By how many percent the p95 of the last third is over that of the first."""
    third = len(seconds) // 3
    first, last = fetch(seconds.start, seconds.start + third), fetch(seconds.stop - third, seconds.stop)
    before, after = percentile(first, 0.95), percentile(last, 0.95)
    count = first.total() + last.total()
    if before is None or after is None or min(first.total(), last.total()) < 20:
        return Reading(None, count, f"{_counted(count, 'request')} only: too few for two p95")
    growth = round(100 * (after / max(before, 0.1) - 1), 1)
    return Reading(growth, count, f"p95 {before:g} ms in the first third, {after:g} ms in the last")


def _actual(target: Target, counts: Found, seconds: int) -> float | None:
    """In the unit of the target; None where it is of nothing."""
    figure = target.figure
    match figure.kind:
        case Kind.TIME:
            return _time(figure, counts)
        case Kind.RPS:
            return counts["requests"] / seconds
        case Kind.GOODPUT:
            return sum(counts[status] for status in counts if 200 <= status < 400) / seconds
        case Kind.ERRORS:
            return _share(target, counts["failures"], counts["requests"])
        case Kind.STATUS:
            found = sum(counts[status] for status in counts if _is(str(status), figure.statistic))
            return _share(target, found, counts.total())
        case Kind.CPU:
            return mean(counts)
    return mean(counts) if target.seconds else max(counts, default=None)


def _time(figure: Figure, counts: Found) -> float | None:
    match figure.statistic:
        case "avg":
            return mean(counts)
        case "min":
            return min(counts, default=None)
        case "max":
            return max(counts, default=None)
    return percentile(counts, (figure.percent or 0) / 100)


def _share(target: Target, part: int, whole: int) -> float | None:
    if not whole:
        return None
    return 100 * part / whole if target.unit == "%" else float(part)


def _is(status: str, wanted: str) -> bool:
    """503 is 5xx, and 503."""
    return status == wanted or (wanted.endswith("xx") and status[0] == wanted[0])


def _badness(target: Target, reading: Reading) -> float:
    actual = reading.actual or 0.0
    match target.operator[0]:
        case "<":
            return actual
        case ">":
            return -actual
    return abs(actual - target.limit)


def _nothing_of(target: Target) -> str:
    figure = target.figure
    if not figure.role:
        return f"no request to {figure.routes} in this run"
    more = ""
    if figure.kind is Kind.CPU:
        more = ", or of how many cores it may use: a limit of its own would say"
    elif figure.kind is Kind.MEMORY and target.unit == "%":
        more = ": it has no limit of its own, state it in MB"
    return f"nothing is known of the {figure.kind.name.lower()} of {figure.role}{more}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"

"""Measures targets on the master, over the window of a run, from counts by the second.

Ramp-up and drain are outside the window. A request that was sent in the window and answered in the drain
still counts, with its time and its outcome: otherwise an API that freezes until the end would look fast.
Seconds in which workers join or leave are left out, as VALID leaves them out: stampede/verdict/moves.py.

A target ``for 10s`` is measured over any 10 seconds in a row; a target of every route, or of all workers, for
each of them. The worst figure counts. stampede/targets/evidence.py provides the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf

from stampede.counting.latency import mean, percentile
from stampede.facts.target import Figure, Kind, MeasuredTarget, Reading, Target
from stampede.targets.evidence import UNANSWERED, Counted, Evidence, Fetch

OF_SENT_REQUESTS = (Kind.TIME, Kind.STABLE, Kind.ERRORS, Kind.STATUS)
"""Figures that include requests answered after the window; a rate counts only the window's own seconds."""

LEAST_LEFT = 5
"""Seconds without workers joining or leaving that a target needs, in a window where some join or leave."""

NONE = range(0)


def measure(
    target: Target, evidence: Evidence, seconds: Sequence[int], late: range = NONE, moving: int = 0
) -> Reading:
    """Return the measured figure of a target in some whole seconds since the epoch, in their order.

    Requests that were sent in these seconds and answered in the seconds `late` after them count as well.
    `moving` is how many seconds of the window are left out, as workers joined or left.
    """
    sources = evidence.sources(target)
    if not sources:
        return Reading(None, 0, _why_not_measured(target))
    if too_few := _too_few(target, seconds, moving):
        return Reading(None, 0, too_few)
    late = late if target.figure.kind in OF_SENT_REQUESTS else NONE
    return worst(target, {name: _reading(target, fetch, seconds, late) for name, fetch in sources.items()})


def _too_few(target: Target, seconds: Sequence[int], moving: int) -> str:
    """Return why there are too few seconds for a target; an empty text where there are enough."""
    left = max(map(len, _spans_of(seconds)), default=0) if target.seconds else len(seconds)
    least = target.seconds or max(3 if target.figure.kind is Kind.STABLE else 1, LEAST_LEFT if moving else 0)
    if left >= least:
        return ""
    if not moving:
        return f"the window has {left} whole seconds: too few for it"
    in_a_row = " in a row" if target.seconds else ""
    return f"workers joined or left in {moving} s of the window: {left} s{in_a_row} are left, too few for it"


def _spans_of(seconds: Iterable[int]) -> list[range]:
    """Return the seconds as spans of seconds in a row."""
    spans: list[range] = []
    for second in seconds:
        if spans and spans[-1].stop == second:
            spans[-1] = range(spans[-1].start, second + 1)
        else:
            spans.append(range(second, second + 1))
    return spans


def _counted(fetch: Fetch, seconds: Sequence[int]) -> Counted:
    """Return the counts of all these seconds."""
    counts: Counted = Counter()
    for span in _spans_of(seconds):
        counts.update(fetch(span.start, span.stop))
    return counts


def evaluate(target: Target, counts: Counted, seconds: int) -> Reading:
    """Return the figure of a target by the counts of that many seconds. Times are of answered requests."""
    figure, answered = target.figure, _answered(counts)
    count = answered["requests"] if figure.kind in (Kind.RPS, Kind.ERRORS) else answered.total()
    what = _quantity(count, "sample" if figure.role else "request")
    actual = _actual(target, answered, seconds)
    if actual is None:
        return _nothing_measured(figure, count, counts[UNANSWERED])
    if figure.kind is Kind.TIME and count < figure.fewest:
        slowest = float(max(answered))
        if figure.routes.group == "every" and target.is_met_by(slowest):  # then any percentile meets it too
            return Reading(slowest, count, f"the slowest of {what}")
        few = f"{what} only: too few for a {figure.statistic}, which takes {figure.fewest:,}"
        return Reading(None, count, few)
    return Reading(float(f"{actual:.6g}"), count, what)


def _answered(counts: Counted) -> Counted:
    """Return the counts without the requests that were not answered."""
    if not counts[UNANSWERED]:
        return counts
    return Counter({key: count for key, count in counts.items() if key != UNANSWERED})


def _nothing_measured(figure: Figure, count: int, unanswered: int) -> Reading:
    """Return a reading without a figure. Its count is that of the failed requests, where only such are."""
    whose = " of a paced user" if figure.from_start else ""
    if not count and unanswered:
        return Reading(None, unanswered, f"no request{whose} was answered: {unanswered:,} failed")
    return Reading(None, count, f"no request{whose} in that time")


def worst(target: Target, readings: Mapping[str, Reading]) -> Reading:
    """Return the worst of several readings of a target.

    That is the one farthest beyond the limit. Where none is beyond it: one whose figure is not known. Where
    all are known: the one nearest to the limit. A route without requests is left out, except for rates, where
    its figure is 0.
    """
    counting = {
        name: reading for name, reading in readings.items() if reading.count or reading.actual is not None
    }
    if len(readings) == 1 or not counting:
        return next(iter(readings.values()))
    unknown = [name for name, reading in counting.items() if reading.actual is None]
    known = [name for name, reading in counting.items() if reading.actual is not None]
    known.sort(key=lambda name: _badness(target, counting[name]), reverse=True)
    beyond = [name for name in known if not target.is_met_by(counting[name].actual or 0.0)]
    name = [*beyond, *unknown, *known][0]
    return replace(counting[name], detail=f"the worst of {len(counting)}: {name}, {counting[name].detail}")


def results(
    targets: Iterable[Target],
    evidence: Evidence,
    window: range,
    kept: Sequence[int],
    beyond: tuple[Target, Reading] | None,
) -> list[MeasuredTarget]:
    """Return the measured figure of each target in a run, over the `kept` seconds of its window.

    `beyond` is the target that ended the run, with the reading that did so: it is not measured again.
    """
    ended_by, then = beyond or (None, None)
    late, moving = evidence.late_answers(window, kept), len(window) - len(kept)
    return [
        MeasuredTarget(target, then, aborted=True)
        if target == ended_by
        else MeasuredTarget(target, measure(target, evidence, kept, late, moving))
        for target in targets
    ]


def _reading(target: Target, fetch: Fetch, seconds: Sequence[int], late: range) -> Reading:
    if target.figure.kind is Kind.STABLE:
        return _stability(fetch, seconds, late)
    if target.seconds is None:
        return evaluate(target, _counted(fetch, [*seconds, *late]), len(seconds))
    return _worst_span(target, fetch, seconds, late, target.seconds)


def _worst_span(target: Target, fetch: Fetch, seconds: Sequence[int], late: range, length: int) -> Reading:
    """Return the reading of the worst span of that many seconds.

    A span with too few answers for a percentile is not skipped: few answers may mean a slow API. It is the
    worst where its slowest answer is beyond the limit, and no span with enough answers is. A request without
    an answer counts as slower than all others here.
    """
    spans = [
        (evaluate(target, counts, length), inf if counts[UNANSWERED] else max(counts, default=0))
        for span in _spans_of(seconds)
        for counts in _spans(fetch, span, late, length)
    ]
    known = [reading for reading, _ in spans if reading.actual is not None]
    if not known:
        return max((reading for reading, _ in spans), key=lambda reading: reading.count)
    worst_known = max(known, key=lambda reading: _badness(target, reading))
    if not target.is_met_by(worst_known.actual or 0.0):
        return worst_known
    unknown = [(reading, slowest) for reading, slowest in spans if reading.actual is None and reading.count]
    return next((reading for reading, slowest in unknown if not target.is_met_by(slowest)), worst_known)


def _spans(fetch: Fetch, seconds: range, late: range, length: int) -> Iterator[Counted]:
    """Yield the counts of each span of that many seconds in a row: one Counter, changed in place.

    Late answers count in the last second before them.
    """
    by_second = [fetch(second, second + 1) for second in seconds]
    if late.start == seconds.stop:
        by_second[-1] = by_second[-1] + fetch(late.start, late.stop)
    counts: Counted = Counter()
    for index, newest in enumerate(by_second):
        counts += newest
        if index >= length:
            counts -= by_second[index - length]
        if index >= length - 1:
            yield counts


def _stability(fetch: Fetch, seconds: Sequence[int], late: range) -> Reading:
    """Return by how many percent the p95 of the last third is above the p95 of the first third."""
    third = len(seconds) // 3
    first = _answered(_counted(fetch, seconds[:third]))
    last = _answered(_counted(fetch, [*seconds[-third:], *late]))
    before, after = percentile(first, 0.95), percentile(last, 0.95)
    count = first.total() + last.total()
    if before is None or after is None or min(first.total(), last.total()) < 20:
        return Reading(None, count, f"{_quantity(count, 'request')} only: too few for two p95")
    growth = round(100 * (after / max(before, 0.1) - 1), 1)
    return Reading(growth, count, f"p95 {before:g} ms in the first third, {after:g} ms in the last")


def _actual(target: Target, counts: Counted, seconds: int) -> float | None:
    """Return the figure in the unit of the target; None where nothing was counted."""
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
            matching = sum(counts[status] for status in counts if _matches(str(status), figure.statistic))
            return _share(target, matching, counts.total())
        case Kind.CPU:
            return mean(counts)
    return mean(counts) if target.seconds else max(counts, default=None)


def _time(figure: Figure, counts: Counted) -> float | None:
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


def _matches(status: str, wanted: str) -> bool:
    """Return whether a status is the wanted one, such as ``503``, or of the wanted class, ``5xx``."""
    return status == wanted or (wanted.endswith("xx") and status[0] == wanted[0])


def _badness(target: Target, reading: Reading) -> float:
    """Return a number that is the higher the worse the reading is for the target."""
    actual = reading.actual or 0.0
    match target.operator[0]:
        case "<":
            return actual
        case ">":
            return -actual
    return abs(actual - target.limit)


def _why_not_measured(target: Target) -> str:
    figure = target.figure
    if not figure.role:
        return f"no request to {figure.routes} in this run"
    advice = ""
    if figure.kind is Kind.CPU:
        advice = ", or of how many cores it may use: set a CPU limit for it"
    elif figure.kind is Kind.MEMORY and target.unit == "%":
        advice = ": it has no memory limit, write the target in MB"
    return f"there is no measurement of the {figure.kind.name.lower()} of {figure.role}{advice}"


def _quantity(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

"""Measures targets on the master, over the window of a run, from counts by the second.

Ramp-up and drain are outside the window. A request that was sent in the window and answered in the drain
still counts, with its time and its outcome: otherwise an API that freezes until the end would look fast.
Seconds in which workers join or leave are left out, as VALID leaves them out: stampede/verdict/moves.py.

A target ``for 10s`` is measured over any 10 seconds in a row; a target of every route, or of all workers, for
each of them. The worst figure counts. stampede/targets/evidence.py provides the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from stampede.counting.latency import percentile
from stampede.facts.target import Kind, MeasuredTarget, Reading, Target
from stampede.targets.evaluating import answered, badness, evaluate, quantity
from stampede.targets.evidence import Counted, Evidence, Fetch
from stampede.targets.spans import NOTHING, Older, Spans

OF_SENT_REQUESTS = (Kind.TIME, Kind.STABLE, Kind.ERRORS, Kind.STATUS)
"""Figures that include requests answered after the window; a rate counts only the window's own seconds."""

LEAST_LEFT = 5
"""Seconds without workers joining or leaving that a target needs, in a window where some join or leave."""

NONE = range(0)


def measure(
    target: Target,
    evidence: Evidence,
    seconds: Sequence[int],
    late: range = NONE,
    moving: int = 0,
    older: Older | None = None,
) -> Reading:
    """Return the measured figure of a target in some whole seconds since the epoch, in their order.

    Requests that were sent in these seconds and answered in the seconds `late` after them count as well.
    `moving` is how many seconds of the window are left out, as workers joined or left. `older` has the spans
    of seconds that are merged.
    """
    names = evidence.sources(target)
    if not names:
        return Reading(None, 0, _why_not_measured(target))
    if too_few := _too_few(target, seconds, moving):
        return Reading(None, 0, too_few)
    late = late if target.figure.kind in OF_SENT_REQUESTS else NONE
    fetch = evidence.fetch(target)
    if target.seconds:
        return worst(target, _worst_spans(target, fetch, names, seconds, late, older))
    if target.figure.kind is Kind.STABLE:
        return worst(target, _stability(fetch, names, seconds, late))
    counts = fetch([*seconds, *late])
    length = len(seconds)
    return worst(target, {name: evaluate(target, counts.get(name, NOTHING), length) for name in names})


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
    known.sort(key=lambda name: badness(target, counting[name]), reverse=True)
    beyond = [name for name in known if not target.is_met_by(counting[name].actual or 0.0)]
    name = [*beyond, *unknown, *known][0]
    return replace(counting[name], detail=f"the worst of {len(counting)}: {name}, {counting[name].detail}")


def results(
    targets: Iterable[Target],
    evidence: Evidence,
    window: range,
    kept: Sequence[int],
    beyond: tuple[Target, Reading] | None,
    older: Older | None = None,
) -> list[MeasuredTarget]:
    """Return the measured figure of each target in a run, over the `kept` seconds of its window.

    `beyond` is the target that ended the run, with the reading that did so: it is not measured again. `older`
    has the spans of seconds that are merged.
    """
    ended_by, then = beyond or (None, None)
    late, moving = evidence.late_answers(window, kept), len(window) - len(kept)
    return [
        MeasuredTarget(target, then, aborted=True)
        if target == ended_by
        else MeasuredTarget(target, measure(target, evidence, kept, late, moving, older))
        for target in targets
    ]


def _worst_spans(
    target: Target,
    fetch: Fetch,
    names: Sequence[str],
    seconds: Sequence[int],
    late: range,
    older: Older | None,
) -> dict[str, Reading]:
    spans = older.spans_of(target) if older else Spans(target)
    for second in seconds:
        if second >= spans.end:
            with_late = late if second == late.start - 1 else ()  # late answers count in the last second
            spans.add(second, fetch([second, *with_late]))
    return spans.worst(names)


def _stability(fetch: Fetch, names: Sequence[str], seconds: Sequence[int], late: range) -> dict[str, Reading]:
    """Return by how many percent the p95 of the last third is above the p95 of the first third."""
    third = len(seconds) // 3
    first, last = fetch(seconds[:third]), fetch([*seconds[-third:], *late])
    return {name: _growth(first.get(name, NOTHING), last.get(name, NOTHING)) for name in names}


def _growth(first: Counted, last: Counted) -> Reading:
    first, last = answered(first), answered(last)
    before, after = percentile(first, 0.95), percentile(last, 0.95)
    count = first.total() + last.total()
    if before is None or after is None or min(first.total(), last.total()) < 20:
        return Reading(None, count, f"{quantity(count, 'request')} only: too few for two p95")
    growth = round(100 * (after / max(before, 0.1) - 1), 1)
    return Reading(growth, count, f"p95 {before:g} ms in the first third, {after:g} ms in the last")


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

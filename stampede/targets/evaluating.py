"""Evaluates the figure of a target from counts of requests or samples. Pure."""

from __future__ import annotations

from collections import Counter

from stampede.counting.latency import mean, percentile
from stampede.facts.target import Figure, Kind, Reading, Target
from stampede.targets.evidence import UNANSWERED, Counted


def evaluate(target: Target, counts: Counted, seconds: int) -> Reading:
    """Return the figure of a target by the counts of that many seconds. Times are of answered requests."""
    figure, unanswered, counts = target.figure, counts[UNANSWERED], answered(counts)
    count = counts["requests"] if figure.kind in (Kind.RPS, Kind.ERRORS) else counts.total()
    what = quantity(count, "sample" if figure.role else "request")
    actual = _actual(target, counts, seconds)
    if actual is None:
        return _nothing_measured(figure, count, unanswered)
    if figure.kind is Kind.TIME and count < figure.fewest:
        slowest = float(max(counts))
        if figure.routes.group == "every" and target.is_met_by(slowest):  # then any percentile meets it too
            return Reading(slowest, count, f"the slowest of {what}")
        few = f"{what} only: too few for a {figure.statistic}, which takes {figure.fewest:,}"
        return Reading(None, count, few)
    return Reading(float(f"{actual:.6g}"), count, what)


def answered(counts: Counted) -> Counted:
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


def badness(target: Target, reading: Reading) -> float:
    """Return a number that is the higher the worse the reading is for the target."""
    actual = reading.actual or 0.0
    match target.operator[0]:
        case "<":
            return actual
        case ">":
            return -actual
    return abs(actual - target.limit)


def quantity(count: int, noun: str) -> str:
    """Return a number with its noun: `1 request`, `2 requests`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

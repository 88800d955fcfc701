"""Hints for a check that does not hold: what was unusual in the run, and what was at its limit then. Pure.

Hints list all that was at its limit, the worst first; where nothing was, whatever came nearest. A hint is no
proof.
"""

from __future__ import annotations

import re
from functools import partial
from statistics import median

from stampede.facts.figures import Second
from stampede.facts.run_json import Facts
from stampede.facts.samples import Statement
from stampede.facts.verdict_json import Check, Verdict
from stampede.report import formatting, series
from stampede.report.pressures import SecondFilter, pressures, worst_of_each_kind
from stampede.verdict.silences import is_silence

OUTLIER = 3.0
"""A hint reports the slowest second if it was this many times as slow as the median."""

MOST_LINES = 4
JUST_BEFORE = 5.0
"""Seconds after an event in which it may have caused a problem."""

FAILING = re.compile(r"fail|error|\b5xx\b|refused")
"""Matches names of checks of failed requests; all others are checks of slow requests."""


def hints(run: Facts, part: str, check: Check) -> list[str]:
    """Return hints for a check of a part (``correct``, ``fast`` or ``valid``); none for one that holds."""
    if check.verdict not in (Verdict.FAIL, Verdict.UNKNOWN):
        return []
    match part:
        case "correct":
            return _offenders(check)
        case "valid":
            return _at_limit(run, partial(series.is_in_window, run), is_quiet=True)
    if check.name == "exceptions":
        return _exceptions(run)
    if FAILING.search(check.name):
        return _failures(run)
    return _slow(run)


def _offenders(check: Check) -> list[str]:
    return [f"the {which}: {formatting.offender(wrong)}" for which, wrong in check.offenders.items()]


def _exceptions(run: Facts) -> list[str]:
    """Return a hint with the most frequent exception."""
    most_frequent = sorted(run.exceptions, key=lambda exception: -exception.count)[:1]
    return [
        f"most often, {formatting.count(exception.count, 'time')}: {formatting.exception(exception)}"
        for exception in most_frequent
    ]


def _failures(run: Facts) -> list[str]:
    """Return hints with the most frequent error, and with all that was at its limit while requests failed."""
    errors = sorted(run.errors, key=lambda error: (-error.occurrences, error.error))
    lines = [f"most often, {error.occurrences:,} times: {formatting.failure(error)}" for error in errors[:1]]
    failing = {row.second for row in run.seconds if row.failures}
    if not failing:
        return lines
    first, last = min(failing), max(failing)
    between = f"from {formatting.clock(first)} to {formatting.clock(last)}"
    if first >= run.merged_until:
        between += f", in {formatting.count(len(failing), 'second')}"
    lines.append(f"requests failed {between}{_after(run, first)}")
    return lines + _at_limit(run, failing.__contains__)


def _slow(run: Facts) -> list[str]:
    """Return hints with the slowest second, if it is an outlier, and with all that was at its limit."""
    rows = [row for row in series.in_window(run, run.seconds) if row.p99_ms is not None]
    lines = []
    if rows:
        worst = max(rows, key=_slowness)
        usual = median(map(_slowness, rows))
        if _slowness(worst) >= OUTLIER * usual > 0:
            from_start = " from start" if _slowness(worst) > (worst.p99_ms or 0) else ""
            p99 = f"p99{from_start} {formatting.milliseconds(_slowness(worst))}"
            p99s = f"{p99} (usual: {formatting.milliseconds(usual)})"
            when = formatting.clock(worst.second)
            what = "slowest second" if worst.seconds == 1 else f"slowest {worst.seconds} seconds"
            lines.append(f"{what}: {when}, {p99s}{_after(run, worst.second)}")
    lines += _at_limit(run, partial(series.is_in_window, run))
    return lines + [f"slowest statement: {_statement(slowest)}" for slowest in run.statements[:1]]


def _slowness(row: Second) -> float:
    """Return the p99 of a second, from when requests were due where that is known."""
    return max(row.p99_ms or 0.0, row.from_start_p99_ms or 0.0)


def _after(run: Facts, second: float) -> str:
    """Return a mention of the last event just before a second, if there was one."""
    before = [
        event
        for event in run.events
        if 0 <= second + 1 - event.at <= JUST_BEFORE and not is_silence(event)  # it is no cause
    ]
    return f", right after {formatting.title(before[-1].name)}" if before else ""


def _statement(statement: Statement) -> str:
    """Return a database function with its calls and times, as far as they are known."""
    parts = [statement.statement]
    if statement.calls is not None:
        parts.append(formatting.count(statement.calls, "call"))
    if statement.total_ms is not None:
        parts.append(f"{formatting.milliseconds(statement.total_ms)} in total")
    if statement.mean_ms is not None:
        parts.append(f"{formatting.milliseconds(statement.mean_ms)} on average")
    return ", ".join(parts)


def _at_limit(run: Facts, is_relevant: SecondFilter, is_quiet: bool = False) -> list[str]:
    """Return what was at its limit in the relevant seconds, the worst first.

    If nothing was, return what came nearest, or nothing with `is_quiet`.
    """
    worst = worst_of_each_kind(pressures(run, is_relevant))
    over = [pressure.text for pressure in worst if pressure.share >= 1]
    if over or is_quiet:
        return over[:MOST_LINES]
    if worst:
        return [f"nothing was at its limit; nearest: {worst[0].text}"]
    return ["this run has no samples of CPU or the database: what was at its limit is not known"]

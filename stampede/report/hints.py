"""Where to look, for a check that does not hold: what stood out, and what was at its limit then. Pure.

What was at its limit is named, the worst first; where nothing was, what came nearest. A hint, no proof.
"""

from __future__ import annotations

import re
from functools import partial
from statistics import median

from msgspec.structs import asdict

from stampede.facts.figures import Second
from stampede.facts.run import Facts
from stampede.facts.samples import Statement
from stampede.facts.verdict import Check, Verdict
from stampede.report import formatting, series
from stampede.report.pressures import Matters, pressures, worst_of_each_kind

OUTSTANDING = 3.0
"""Times the usual that a second must have been slow to be named."""

MOST_LINES = 4
JUST_BEFORE = 5.0
"""Seconds in which an event may have to do with what followed."""

FAILING = re.compile(r"fail|error|\b5xx\b|refused")
"""Names of checks that are of failed requests; the others are of slow ones."""


def look_here(run: Facts, part: str, check: Check) -> list[str]:
    """Lines for one check of a part (``correct``, ``fast`` or ``valid``); none for one that holds."""
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
    return [f"the {which}: {formatting.offender(found)}" for which, found in check.offenders.items()]


def _exceptions(run: Facts) -> list[str]:
    """The most frequent."""
    found = sorted(run.exceptions, key=lambda each: -each.count)
    return [
        f"most often, {formatting.count(each.count, 'time')}: {formatting.exception(each)}"
        for each in found[:1]
    ]


def _failures(run: Facts) -> list[str]:
    """The most frequent error, and what was at its limit while requests failed."""
    errors = sorted(run.errors, key=lambda error: (-error.occurrences, error.error))
    lines = [f"most often, {error.occurrences:,} times: {formatting.failure(error)}" for error in errors[:1]]
    failing = {row.second for row in run.seconds if row.failures}
    if not failing:
        return lines
    first, last = min(failing), max(failing)
    seconds = formatting.count(len(failing), "second")
    between = f"from {formatting.clock(first)} to {formatting.clock(last)}, in {seconds}"
    lines.append(f"requests failed {between}{_after(run, first)}")
    return lines + _at_limit(run, failing.__contains__)


def _slow(run: Facts) -> list[str]:
    """The worst second if it stands out, and what was at its limit in the window."""
    rows = [row for row in series.in_window(run, run.seconds) if row.p99_ms is not None]
    lines = []
    if rows:
        worst = max(rows, key=_slowness)
        usual = median(map(_slowness, rows))
        if _slowness(worst) >= OUTSTANDING * usual > 0:
            from_start = " from the intended start" if _slowness(worst) > (worst.p99_ms or 0) else ""
            p99 = f"a p99 of {formatting.number(_slowness(worst))} ms{from_start}"
            p99s = f"{p99} where {formatting.number(usual)} ms is usual"
            when = formatting.clock(worst.second)
            lines.append(f"slowest second: {when}, {p99s}{_after(run, worst.second)}")
    lines += _at_limit(run, partial(series.is_in_window, run))
    return lines + [f"slowest statement: {_statement(each)}" for each in run.statements[:1]]


def _slowness(row: Second) -> float:
    """From the intended start, where that is known: it has the waiting in it."""
    return max(row.p99_ms or 0.0, row.from_start_p99_ms or 0.0)


def _after(run: Facts, second: float) -> str:
    """What happened just before."""
    before = [event for event in run.events if 0 <= second + 1 - event.at <= JUST_BEFORE]
    return f", right after {formatting.title(before[-1].name)}" if before else ""


def _statement(statement: Statement) -> str:
    known = {name: figure for name, figure in asdict(statement).items() if figure is not None}
    return ", ".join(f"{name} {figure}" for name, figure in known.items())


def _at_limit(run: Facts, matters: Matters, is_quiet: bool = False) -> list[str]:
    """What was at its limit in those seconds, the worst first; if nothing, what came nearest."""
    found = worst_of_each_kind(pressures(run, matters))
    over = [pressure.says for pressure in found if pressure.share >= 1]
    if over or is_quiet:
        return over[:MOST_LINES]
    if found:
        return [f"nothing that was sampled was at its limit; nearest: {found[0].says}"]
    return ["this run has no samples of CPU or the database: what was at its limit is not known"]

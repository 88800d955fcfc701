"""FAST: were the targets met that were stated before? Pure."""

from __future__ import annotations

from msgspec.structs import replace

from stampede.facts.run import Facts
from stampede.facts.target import COMPARISONS, Kind, MeasuredTarget, Reading, Target
from stampede.facts.verdict import Check, Colour, Verdict
from stampede.verdict.checks import in_words, measured, none_of, not_asked
from stampede.verdict.overload import overload

NEAR = 0.8
"""Share of a limit from which on it is near."""

NO_TARGETS = not_asked("targets", 'none were stated: TARGETS="p95 < 300ms, errors < 1%" would be some')
NOT_MEASURED = Reading(None, 0, "it was not measured: the run was cut off")


def fast(run: Facts) -> list[Check]:
    """Return a check for each target; and for what no one has to state: that nothing failed, where no target
    says how much may."""
    exceptions = sum(each.count for each in run.exceptions)
    checks = [judge(target) for target in run.targets] or [NO_TARGETS]
    if not any(_is_of_failures(each.target) for each in run.targets):
        checks.append(_failures(run))
    checks.append(none_of("exceptions", exceptions, f"{exceptions} in the users' own code"))
    return checks + (overload(run) if run.overload else [])


def _failures(run: Facts) -> Check:
    """None in the whole run. An API that answered nothing in the window has not failed, and shown nothing."""
    answered = run.window.total.requests if run.window else run.requests
    if not run.failures and not answered:
        return Check(name="failures", verdict=Verdict.UNKNOWN, count=0, detail="no request was answered")
    return none_of(
        "failures", run.failures, f"{run.failures:,} of {run.requests:,} requests had no expected outcome"
    )


def judge(result: MeasuredTarget) -> Check:
    """Return the check of one target. It has a colour where it could be measured."""
    target, reading = result.target, result.reading or NOT_MEASURED
    check = Check(
        name=f"{target.name} over any {target.seconds} s" if target.seconds else target.name,
        verdict=Verdict.UNKNOWN,
        detail=reading.detail,
        count=reading.count,
        limit=in_words(target.operator, target.limit, target.unit),
        unit=target.unit,
        aborted=result.aborted,
    )
    if reading.actual is None:
        return _decided(check, target)
    tint = "red" if result.aborted else colour(target.operator, reading.actual, target.limit)
    verdict = Verdict.FAIL if tint == "red" else Verdict.PASS
    figures = measured(reading.actual, target.operator, target.limit, target.unit)
    return _decided(replace(check, colour=tint, verdict=verdict, **figures), target)


def colour(operator: str, actual: float, limit: float) -> Colour:
    """Return green with a fifth of the limit to spare, yellow up to it, red beyond."""
    if not COMPARISONS[operator](actual, limit):
        return "red"
    match operator[0]:
        case "<" if limit > 0 and actual >= NEAR * limit:
            return "yellow"
        case ">" if limit > 0 and limit >= NEAR * actual:
            return "yellow"
    return "green"


def _decided(check: Check, target: Target) -> Check:
    """What is optional takes nothing from the verdict."""
    if not target.optional or check.verdict is Verdict.PASS:
        return check
    return replace(check, optional=True, verdict=Verdict.NOT_ASKED)


def _is_of_failures(target: Target) -> bool:
    """Whether it says how much may fail at most, of all that is sent or of every route by itself. One on a
    status does not: an API that never answers fails without a 5xx."""
    routes = target.figure.routes
    is_of_all = routes.group == "every" or (not routes.methods and routes.name is None and not routes.group)
    is_upper = target.operator in ("<", "<=", "=")
    return target.figure.kind is Kind.ERRORS and is_upper and is_of_all and not target.optional

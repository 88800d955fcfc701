"""FAST: were the targets of the run met? Pure."""

from __future__ import annotations

from msgspec.structs import replace

from stampede.facts.run_json import Facts
from stampede.facts.target import COMPARISONS, Kind, MeasuredTarget, Reading, Target
from stampede.facts.verdict_json import Check, Colour, Part, Verdict, worst
from stampede.verdict.checks import fail_if_any, in_words, measured, not_asked
from stampede.verdict.overload import overload

NEAR = 0.8
"""Share of a limit from which a figure counts as near the limit."""

NEVER_A_PASS = {"failures", "exceptions"}
"""Checks that every run has. They can make FAST FAIL; that nothing failed does not make it PASS: a run that
asks for nothing is not fast."""

NOT_MEASURED = Reading(None, 0, "not measured: the run was interrupted")


def fast(run: Facts) -> list[Check]:
    """Return the checks of FAST: one for each target, one for failed requests and one for exceptions.

    The check for failed requests is left out where a target limits them.
    """
    checks = [judge(target) for target in run.targets] or [_no_targets(run)]
    if not any(_limits_failures(result.target) for result in run.targets):
        checks.append(_failures(run))
    checks.append(_exceptions(run))
    if run.locustfile_exit_code is not None:
        checks.append(_own_exit_code(run.locustfile_exit_code))
    return checks + (overload(run) if run.overload else [])


def part_of_fast(checks: list[Check]) -> Part:
    """Return FAST with these checks: the worst of them, and NOT_ASKED where nothing was asked for."""
    counted = [
        check.verdict
        for check in checks
        if check.name not in NEVER_A_PASS or check.verdict is not Verdict.PASS
    ]
    return Part(worst(counted), checks)


def _no_targets(run: Facts) -> Check:
    nothing_failed = run.requests and not run.failures
    return not_asked("targets", f"no targets set{'; no request failed' if nothing_failed else ''}")


def _failures(run: Facts) -> Check:
    """Return the check that no request failed in the whole run; UNKNOWN where no request was answered."""
    answered = run.window.total.requests if run.window else run.requests
    if not run.failures and not answered:
        return Check(name="failures", verdict=Verdict.UNKNOWN, count=0, detail="no request was answered")
    return fail_if_any("failures", run.failures, f"{run.failures:,} of {run.requests:,} requests failed")


def _exceptions(run: Facts) -> Check:
    """Return the check that the users' own code raised no exception."""
    count = sum(exception.count for exception in run.exceptions)
    detail = f"{count} in the locustfile's own code"
    if run.exceptions:
        most_frequent = max(run.exceptions, key=lambda exception: exception.count)
        detail += f", most often {most_frequent.error} at {most_frequent.place or 'an unknown place'}"
    return fail_if_any("exceptions", count, detail)


def _own_exit_code(code: int) -> Check:
    """Return the check that the locustfile's own exit code is 0."""
    return Check(
        name="locustfile_exit_code",
        verdict=Verdict.FAIL if code else Verdict.PASS,
        actual=float(code),
        detail=f"the locustfile set environment.process_exit_code = {code}",
    )


def judge(result: MeasuredTarget) -> Check:
    """Return the check of one target. It has a colour where the target was measured."""
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
        return _unless_optional(check, target)
    tint = "red" if result.aborted else colour(target.operator, reading.actual, target.limit)
    verdict = Verdict.FAIL if tint == "red" else Verdict.PASS
    figures = measured(reading.actual, target.operator, target.limit, target.unit)
    return _unless_optional(replace(check, colour=tint, verdict=verdict, **figures), target)


def colour(operator: str, actual: float, limit: float) -> Colour:
    """Return green where a fifth of the limit is left, yellow up to the limit, red beyond it."""
    if not COMPARISONS[operator](actual, limit):
        return "red"
    match operator[0]:
        case "<" if limit > 0 and actual >= NEAR * limit:
            return "yellow"
        case ">" if limit > 0 and limit >= NEAR * actual:
            return "yellow"
    return "green"


def _unless_optional(check: Check, target: Target) -> Check:
    """Return the check; as NOT_ASKED where its target is optional and not met."""
    if not target.optional or check.verdict is Verdict.PASS:
        return check
    return replace(check, optional=True, verdict=Verdict.NOT_ASKED)


def _limits_failures(target: Target) -> bool:
    """Return whether a target limits how many requests may fail, of all requests or of every route.

    A target on a status does not: an API that never answers fails without a 5xx.
    """
    routes = target.figure.routes
    is_of_all_routes = routes.group == "every" or (
        not routes.methods and routes.name is None and not routes.group
    )
    is_upper = target.operator in ("<", "<=", "=")
    return target.figure.kind is Kind.ERRORS and is_upper and is_of_all_routes and not target.optional

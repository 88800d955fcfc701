"""FAST: were the targets met that were stated before? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stampede.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check, Facts, limit, none_of
from stampede.targets import COMPARISONS

NEAR = 0.8
"""Share of a limit from which on it is near."""

NO_TARGETS: Check = {
    "name": "targets",
    "verdict": NOT_ASKED,
    "detail": 'none were stated: TARGETS="p95 < 300ms, errors < 1%" would be some',
}
NOT_MEASURED = {"actual": None, "count": 0, "detail": "it was not measured: the run was cut off"}

LEAST_GOODPUT = 0.8
"""Share of the best stage's goodput that the stage with the most users must have."""

MOST_LATE_REFUSALS = 0.01
"""Share of the refusals that may have taken over a second: 2,000 users keep a generator busy too."""

SLOWEST_AFTER = 1.2
"""Times the p95 of before that is allowed after too much was asked for."""


def fast(run: Facts) -> list[Check]:
    """Its targets; and what nobody has to state: that nothing failed, where no target says how much may."""
    exceptions = sum(each["count"] for each in run["exceptions"])
    targets = run.get("targets", [])
    checks = [judge(target) for target in targets] or [NO_TARGETS]
    if not any(map(_is_of_failures, targets)):
        checks.append(_failures(run))
    checks.append(none_of("exceptions", exceptions, f"{exceptions} in the users' own code"))
    return checks + (_overload(run) if run.get("overload") else [])


def _failures(run: Facts) -> Check:
    """None in the whole run. Who answers nobody in its window has not failed, and has shown nothing."""
    failures, requests = run["failures"], run["requests"]
    total = (run.get("window") or {}).get("total") or {}
    if not failures and not total.get("requests", requests):
        return {"name": "failures", "verdict": UNKNOWN, "count": 0, "detail": "no request was answered"}
    return none_of("failures", failures, f"{failures:,} of {requests:,} requests had no expected outcome")


def judge(target: Mapping[str, Any]) -> Check:
    """One of ``targets`` of ``run.json``. It has a colour where it could be measured."""
    measured: Mapping[str, Any] = target["measured"] or NOT_MEASURED
    actual, unit = measured["actual"], target["unit"]
    check: Check = {
        "name": target["name"],
        "limit": f"{target['operator']} {target['limit']:,.10g}{_after_number(unit)}",
        "actual": actual,
        "unit": unit,
        "count": measured["count"],
    }
    if actual is None:
        return _decided({**check, "verdict": UNKNOWN, "detail": measured["detail"]}, target)
    tint = colour(target["operator"], actual, target["limit"])
    detail = f"{_shown(actual)}{_after_number(unit)}, {check['limit']} wanted: {measured['detail']}"
    if target["aborted"]:
        tint, detail = "red", f"{detail}; it ended the run"
    verdict = FAIL if tint == "red" else PASS
    return _decided({**check, "colour": tint, "verdict": verdict, "detail": detail}, target)


def colour(operator: str, actual: float, limit: float) -> str:
    """Green with a fifth of the limit to spare, yellow up to it, red beyond."""
    if not COMPARISONS[operator](actual, limit):
        return "red"
    match operator[0]:
        case "<" if limit > 0 and actual >= NEAR * limit:
            return "yellow"
        case ">" if limit > 0 and limit >= NEAR * actual:
            return "yellow"
    return "green"


def _decided(check: Check, target: Mapping[str, Any]) -> Check:
    """What is optional takes nothing from the verdict."""
    if not target["optional"] or check["verdict"] == PASS:
        return check
    return {**check, "optional": True, "verdict": NOT_ASKED, "detail": f"{check['detail']} (optional)"}


def _is_of_failures(target: Mapping[str, Any]) -> bool:
    """Whether it says how much may fail at most, of all that is sent. One on a status does not: who never
    answers fails without a 5xx."""
    is_upper = target["operator"] in ("<", "<=", "=")
    return target["kind"] == "errors" and is_upper and not target["routes"] and not target["optional"]


def _after_number(unit: str) -> str:
    return unit if unit in ("", "/s") else f" {unit}"


def _shown(actual: float) -> str:
    """To three digits, and every whole one."""
    return f"{actual:,.0f}" if abs(actual) >= 100 else f"{actual:.3g}"


def _overload(run: Facts) -> list[Check]:
    """Who is asked for more than it can serve serves what it can, says so at once, and recovers."""
    stages = run["stages"]
    if len(stages) < 2 or max(stage["users"] for stage in stages) < run["users"]:
        detail = (
            "a stage has no figures: its users were not all there for long enough; more RUN_TIME may help"
        )
        return [{"name": "goodput_kept", "verdict": UNKNOWN, "detail": detail}]
    most = max(stage["goodput"] for stage in stages)
    kept = max(stages, key=lambda stage: int(stage["users"]))["goodput"]
    refused, late = (sum(stage[name] for stage in stages) for name in ("refused", "refused_late"))
    return [
        limit(
            "goodput_kept", 0 < LEAST_GOODPUT * most <= kept, f"{kept:.0f} of {most:.0f} requests/s served"
        ),
        limit(
            "refused_in_time",
            late <= MOST_LATE_REFUSALS * refused,
            f"{refused:,} told to come back later, {late:,} of them after more than a second",
        ),
        _recovered(stages[0], stages[-1], run.get("seconds") or []),
    ]


def _recovered(
    before: Mapping[str, Any], after: Mapping[str, Any], seconds: Sequence[Mapping[str, Any]]
) -> Check:
    """As fast as before, with as many users again: the run's last second says whether there are to be."""
    if before["users"] != after["users"]:
        if seconds and seconds[-1].get("target_users") == before["users"]:
            detail = "the last stage has no figures: it was too short; more RUN_TIME may help"
            return {"name": "recovered", "verdict": UNKNOWN, "detail": detail}
        return {"name": "recovered", "verdict": NOT_ASKED, "detail": "it does not end with as many users"}
    p95_before, p95_after = before.get("p95_ms"), after.get("p95_ms")
    if p95_before is None or p95_after is None:
        return {"name": "recovered", "verdict": FAIL, "detail": "nothing was answered"}
    detail = f"p95 {p95_before} ms before, {p95_after} ms after"
    return limit("recovered", p95_after <= SLOWEST_AFTER * p95_before, detail)

"""FAST: were the targets met that were stated before? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stampede.facts.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check, Facts, none_of
from stampede.targets.target import COMPARISONS
from stampede.verdict.overload import overload

NEAR = 0.8
"""Share of a limit from which on it is near."""

NO_TARGETS: Check = {
    "name": "targets",
    "verdict": NOT_ASKED,
    "detail": 'none were stated: TARGETS="p95 < 300ms, errors < 1%" would be some',
}
NOT_MEASURED = {"actual": None, "count": 0, "detail": "it was not measured: the run was cut off"}


def fast(run: Facts) -> list[Check]:
    """Its targets; and what nobody has to state: that nothing failed, where no target says how much may."""
    exceptions = sum(each["count"] for each in run["exceptions"])
    targets = run.get("targets", [])
    checks = [judge(target) for target in targets] or [NO_TARGETS]
    if not any(map(_is_of_failures, targets)):
        checks.append(_failures(run))
    checks.append(none_of("exceptions", exceptions, f"{exceptions} in the users' own code"))
    return checks + (overload(run) if run.get("overload") else [])


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
    shown = _shown(actual, target["operator"], target["limit"])
    detail = f"{shown}{_after_number(unit)}, {check['limit']} wanted: {measured['detail']}"
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
    """Whether it says how much may fail at most, of all that is sent or of every route by itself. One on a
    status does not: who never answers fails without a 5xx."""
    is_upper, is_of_all = target["operator"] in ("<", "<=", "="), target["routes"] in (None, "every")
    return target["kind"] == "errors" and is_upper and is_of_all and not target["optional"]


def _after_number(unit: str) -> str:
    return unit if unit in ("", "/s") else f" {unit}"


def _shown(actual: float, operator: str, limit: float) -> str:
    """To three digits, and every whole one; to all, where so few would be on the other side of the limit."""
    few = f"{actual:,.0f}" if abs(actual) >= 100 else f"{actual:.3g}"
    is_met = COMPARISONS[operator]
    if is_met(float(few.replace(",", "")), limit) == is_met(actual, limit):
        return few
    return f"{actual:,.10g}"

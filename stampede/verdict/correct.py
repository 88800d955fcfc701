"""CORRECT: is the data right? What the audit found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set

from stampede.facts.check import FAIL, NOT_ASKED, UNKNOWN, Check, Facts, held_to

NO_AUDIT = "no audit is registered for this target: docs/audit.md shows how"
ALARMS = {"negative_stock", "oversold"}
"""Events of the audit that nothing can excuse."""
OF_VALID = {"contention"}
"""Checks that can be promised too, and are not of the audit."""


def correct(run: Facts) -> list[Check]:
    """The audit's findings. What a scenario promised to bring about must be there to be looked at."""
    audit = run.get("audit")
    if audit is None:
        return [{"name": "audit", "verdict": NOT_ASKED, "detail": NO_AUDIT}]
    if "error" in audit:
        return [*_alarms(run), {"name": "audit", "verdict": UNKNOWN, "detail": audit["error"]}]
    promises = run.get("promises", {})
    return [
        *_alarms(run),
        *(held_to(check, promises) for check in audit["checks"]),
        *_unheard_of(promises, {check["name"] for check in audit["checks"]}),
    ]


def _unheard_of(promises: Mapping[str, str], looked_at: Set[str]) -> list[Check]:
    """What a scenario promises and the audit has no check of: a name misspelt, or an audit too small."""
    return [
        {
            "name": name,
            "verdict": UNKNOWN,
            "detail": f"the audit has no such check, which {scenario} promises",
        }
        for name, scenario in promises.items()
        if name not in looked_at | OF_VALID
    ]


def _alarms(run: Facts) -> list[Check]:
    """What was seen while the run went on stands, also where nobody had acted on it by the ledger."""
    alarms = [event for event in run.get("events", []) if event["name"] in ALARMS]
    if not alarms:
        return []
    detail = f"{len(alarms)} times units were sold that were not there, while the run went on"
    return [{"name": "alarms", "verdict": FAIL, "count": len(alarms), "detail": detail, "first": alarms[0]}]

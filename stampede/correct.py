"""CORRECT: is the data right? What the audit found. Pure."""

from __future__ import annotations

from stampede.check import FAIL, NOT_ASKED, UNKNOWN, Check, Facts, held_to

NO_AUDIT = "no audit is registered for this target: docs/audit.md shows how"
ALARMS = {"negative_stock", "oversold"}
"""Events of the audit that nothing can excuse."""


def correct(run: Facts) -> list[Check]:
    """The audit's findings. What a scenario promised to bring about must be there to be looked at."""
    audit = run.get("audit")
    if audit is None:
        return [{"name": "audit", "verdict": NOT_ASKED, "detail": NO_AUDIT}]
    if "error" in audit:
        return [*_alarms(run), {"name": "audit", "verdict": UNKNOWN, "detail": audit["error"]}]
    return [*_alarms(run), *(held_to(check, run.get("promises", {})) for check in audit["checks"])]


def _alarms(run: Facts) -> list[Check]:
    """What was seen while the run went on stands, also where nobody had acted on it by the ledger."""
    alarms = [event for event in run.get("events", []) if event["name"] in ALARMS]
    if not alarms:
        return []
    detail = f"{len(alarms)} times units were sold that were not there, while the run went on"
    return [{"name": "alarms", "verdict": FAIL, "count": len(alarms), "detail": detail, "first": alarms[0]}]

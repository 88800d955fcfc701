"""CORRECT: is the data right? What the audit found. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set

from stampede.facts.run import Facts
from stampede.facts.verdict import Check, Verdict
from stampede.verdict.checks import held_to, not_asked

NO_AUDIT = "no audit is registered for this target: docs/audit.md shows how"
ALARMS = {"negative_stock", "oversold"}
"""Events of the audit that nothing can excuse."""
OF_VALID = {"contention"}
"""Checks that can be promised too, and are not of the audit."""


def correct(run: Facts) -> list[Check]:
    """Return the audit's findings. What a scenario promised to bring about must be there to be looked at."""
    if run.audit is None:
        return [not_asked("audit", NO_AUDIT)]
    if run.audit.error is not None:
        return [*_alarms(run), Check(name="audit", verdict=Verdict.UNKNOWN, detail=run.audit.error)]
    return [
        *_alarms(run),
        *(held_to(check, run.promises) for check in run.audit.checks),
        *_unheard_of(run.promises, {check.name for check in run.audit.checks}),
    ]


def _unheard_of(promises: Mapping[str, str], looked_at: Set[str]) -> list[Check]:
    """What a scenario promises and the audit has no check of: a name misspelt, or an audit too small."""
    return [
        Check(
            name=name,
            verdict=Verdict.UNKNOWN,
            detail=f"the audit has no such check, which {scenario} promises",
        )
        for name, scenario in promises.items()
        if name not in looked_at | OF_VALID
    ]


def _alarms(run: Facts) -> list[Check]:
    """What was seen while the run went on stands, also where no user had acted on it by the ledger."""
    alarms = [event for event in run.events if event.name in ALARMS]
    if not alarms:
        return []
    detail = f"units were sold that were not there: seen {len(alarms)} × while the run went on"
    return [
        Check(
            name="alarms",
            verdict=Verdict.FAIL,
            count=len(alarms),
            detail=detail,
            first={"name": alarms[0].name, **alarms[0].facts, "at": alarms[0].moment.isoformat()},
        )
    ]

"""CORRECT: is the data right? Made from the audit's checks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check, Verdict
from stampede.verdict.checks import not_asked, with_promise
from stampede.verdict.valid import PROMISABLE

NO_AUDIT = "no audit is registered for this target: see docs/audit.md"
ALARMS = {"negative_stock", "oversold"}
"""Events of the audit that always make the run FAIL."""


def correct(run: Facts) -> list[Check]:
    """Return the checks of CORRECT: the audit's checks and alarms.

    A check that finds nothing to examine is UNKNOWN where a user class promises it.
    """
    if run.audit is None:
        return [not_asked("audit", NO_AUDIT)]
    if run.audit.error is not None:
        return [*_alarms(run), Check(name="audit", verdict=Verdict.UNKNOWN, detail=run.audit.error)]
    return [
        *_alarms(run),
        *(with_promise(check, run.promises) for check in run.audit.checks),
        *_missing_checks(run.promises, {check.name for check in run.audit.checks}),
    ]


def _missing_checks(promises: Mapping[str, str], audited: Set[str]) -> list[Check]:
    """Return an UNKNOWN check for each promised name that the audit does not have, such as a misspelt one."""
    return [
        Check(
            name=name,
            verdict=Verdict.UNKNOWN,
            detail=f"the audit has no such check, which {user_class} promises",
        )
        for name, user_class in promises.items()
        if name not in audited | PROMISABLE
    ]


def _alarms(run: Facts) -> list[Check]:
    """Return a FAIL check where the audit raised alarms during the run.

    It fails the run even where the audit's own checks pass: they examine only what users acted on.
    """
    alarms = [event for event in run.events if event.name in ALARMS]
    if not alarms:
        return []
    seen = len(alarms) + sum(count for name, count in run.events_left_out.items() if name in ALARMS)
    detail = f"more units were sold than there were: seen {seen} times during the run"
    return [
        Check(
            name="alarms",
            verdict=Verdict.FAIL,
            count=seen,
            detail=detail,
            first={"name": alarms[0].name, **alarms[0].facts, "at": alarms[0].moment.isoformat()},
        )
    ]

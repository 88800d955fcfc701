"""The verdict on a run: facts in, PASS, FAIL or UNKNOWN out. Pure: no Locust, no files.

Checks make three parts: CORRECT, the data is right; FAST, the targets were met; VALID, the run itself can be
trusted.
"""

from __future__ import annotations

from stampede.facts.run import Facts
from stampede.facts.verdict import Judgement, Part, RunSummary, Verdict
from stampede.verdict.correct import correct
from stampede.verdict.fast import fast
from stampede.verdict.valid import valid


def verdict(run: Facts) -> Judgement:
    """Return ``verdict.json``, made from ``run.json`` alone."""
    of_correct, of_fast, of_valid = Part.of(correct(run)), Part.of(fast(run)), Part.of(valid(run))
    whole, exit_code = _whole(of_correct.verdict, of_fast.verdict, of_valid.verdict)
    return Judgement(
        verdict=whole,
        exit_code=exit_code,
        correct=of_correct,
        fast=of_fast,
        valid=of_valid,
        run=_summary(run),
    )


def _whole(correct: Verdict, fast: Verdict, valid: Verdict) -> tuple[Verdict, int]:
    """The first that holds. Oversold is oversold, however little else of the run can be trusted."""
    if correct is Verdict.FAIL:
        return Verdict.FAIL, 11
    if valid not in (Verdict.PASS, Verdict.NOT_ASKED):
        return Verdict.UNKNOWN, 12
    if fast is Verdict.FAIL:
        return Verdict.FAIL, 10
    if Verdict.UNKNOWN in (correct, fast):
        return Verdict.UNKNOWN, 12
    return Verdict.PASS, 0


def _summary(run: Facts) -> RunSummary:
    return RunSummary(
        id=run.id,
        profile=run.profile,
        users=run.users,
        workers=run.workers,
        host=run.host,
        started_at=run.started_at,
        window_s=run.window.seconds if run.window else None,
        rps=run.window.rps if run.window else None,
        requests=run.requests,
        failures=run.failures,
        outcomes=run.outcomes,
    )

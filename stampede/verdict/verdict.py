"""The verdict on a run: facts in, PASS, FAIL, UNKNOWN or NOT_ASKED out. Pure: no Locust, no files.

Checks form three parts. CORRECT: the data is right. FAST: the targets were met. VALID: the run itself can be
trusted. The run is NOT_ASKED where it can be trusted, and nothing asked whether it is correct or fast.
"""

from __future__ import annotations

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check, Judgement, Part, RunSummary, Verdict, worst
from stampede.verdict.correct import correct
from stampede.verdict.fast import fast, part_of_fast
from stampede.verdict.valid import valid


def verdict(run: Facts) -> Judgement:
    """Return the content of ``verdict.json``, from the content of ``run.json`` alone."""
    correct_part = part("correct", correct(run))
    fast_part = part("fast", fast(run))
    valid_part = part("valid", valid(run))
    final, exit_code = _final(correct_part.verdict, fast_part.verdict, valid_part.verdict)
    return Judgement(
        verdict=final,
        exit_code=exit_code,
        correct=correct_part,
        fast=fast_part,
        valid=valid_part,
        run=_summary(run),
    )


def part(name: str, checks: list[Check]) -> Part:
    """Return the part of this name, with these checks."""
    return part_of_fast(checks) if name == "fast" else Part.of(checks)


def _final(correct: Verdict, fast: Verdict, valid: Verdict) -> tuple[Verdict, int]:
    """Return the final verdict and its exit code.

    Wrong data comes first: it stays wrong however little the rest of the run can be trusted.
    """
    if correct is Verdict.FAIL:
        return Verdict.FAIL, 11
    if valid not in (Verdict.PASS, Verdict.NOT_ASKED):
        return Verdict.UNKNOWN, 12
    if fast is Verdict.FAIL:
        return Verdict.FAIL, 10
    if Verdict.UNKNOWN in (correct, fast):
        return Verdict.UNKNOWN, 12
    return worst((correct, fast)), 0


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

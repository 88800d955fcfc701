"""FAST, for runs that overload the API: did it withstand the overload? Pure.

An overloaded API should serve as much as it can, refuse all other requests at once, and recover afterwards.
The checks compare stages of one run, minutes apart. If the speed of the cores changed in between
(stampede/sampling/core_speed.py), the figures are corrected for it.
"""

from __future__ import annotations

from operator import itemgetter

from stampede.facts.figures import StageFigures
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check, Verdict
from stampede.verdict.checks import fail_unless, not_asked

LEAST_GOODPUT = 0.8
"""Share of the best stage's goodput that each stage with the most users must reach."""

MOST_LATE_REFUSALS = 0.01
"""Share of the refusals that may take over a second: 2,000 users keep the generator busy, too."""

SLOWEST_AFTER = 1.2
"""How many times the p95 from before the overload is allowed after it."""

LEAST_SECONDS = 10
"""How long a stage must be: a few seconds do not show how much the API can serve."""


def overload(run: Facts) -> list[Check]:
    """Return ``goodput_kept``, ``refused_in_time`` and ``recovered``, or one check that is UNKNOWN."""
    stages = run.stages
    if len(stages) < 2 or max(stage.users for stage in stages) < run.users:
        return [_unknown("goodput_kept", "not all of its users ran for long enough")]
    if short := [stage for stage in stages if stage.seconds < LEAST_SECONDS]:
        detail = f"the stage of {short[0].users:,} users has {short[0].seconds} s"
        return [_unknown("goodput_kept", f"{detail}, {LEAST_SECONDS} s are needed")]
    refused, late = sum(stage.refused for stage in stages), sum(stage.refused_late for stage in stages)
    return [
        _goodput_kept(run),
        fail_unless(
            "refused_in_time",
            late <= MOST_LATE_REFUSALS * refused,
            f"{refused:,} were refused with Retry-After, {late:,} of them after more than a second",
        ),
        _recovered(run),
    ]


def _unknown(name: str, why: str) -> Check:
    detail = f"a stage has too few figures: {why}; more RUN_TIME may help"
    return Check(name=name, verdict=Verdict.UNKNOWN, detail=detail)


def _goodput_kept(run: Facts) -> Check:
    """Return the check of the goodput with the most users, as a share of the best stage's goodput.

    Where several stages have the most users, the worst of them counts.
    """
    most = max(stage.users for stage in run.stages)
    shares = [
        (_ratio(full.goodput * _slowness(run, full, other), other), full, other)
        for full in run.stages
        if full.users == most
        for other in run.stages
    ]
    share, worst, best = min(shares, key=itemgetter(0))
    served = f"{worst.goodput:.0f} of {best.goodput:.0f} requests/s served"
    detail = f"{share:.0%}: {served}{_in_words(_slowness(run, worst, best))}"
    return fail_unless("goodput_kept", share >= LEAST_GOODPUT, detail)


def _ratio(served: float, stage: StageFigures) -> float:
    """Return a stage's share of another stage's goodput; 0 where that served nothing."""
    return served / stage.goodput if stage.goodput else 0.0


def _recovered(run: Facts) -> Check:
    """Return the check of whether the API is as fast as before the overload, with as many users as then.

    The last second of the run shows whether the plan ends with as many users.
    """
    before, after = run.stages[0], run.stages[-1]
    if before.users != after.users:
        if run.seconds and run.seconds[-1].target_users == before.users:
            return _unknown("recovered", "the last stage was too short")
        return not_asked(
            "recovered", "not checked: the last stage has another number of users than the first"
        )
    if before.p95_ms is None or after.p95_ms is None:
        return fail_unless("recovered", False, "nothing was answered")
    slowness = _slowness(run, after, before)
    detail = f"p95 {before.p95_ms:,g} ms before, {after.p95_ms:,g} ms after{_in_words(slowness)}"
    return fail_unless("recovered", after.p95_ms <= SLOWEST_AFTER * before.p95_ms * slowness, detail)


def _slowness(run: Facts, stage: StageFigures, other: StageFigures) -> float:
    """Return how many times as long a core took for the same work as in the other stage.

    It is 1 where the API's cores may be others than the workers': only workers measure their cores.
    """
    if not run.machine.generator_shares_cores or not stage.same_work_ms or not other.same_work_ms:
        return 1.0
    return stage.same_work_ms / other.same_work_ms


def _in_words(slowness: float) -> str:
    return "" if slowness == 1 else f", on cores that took {slowness:.2f} times as long for the same work"

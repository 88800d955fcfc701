"""Was an overload withstood? Pure.

An API that is asked for more than it can serve serves what it can, refuses all others at once, and recovers.
Stages of one run are compared, minutes apart; where the cores got slower or faster meanwhile
(stampede/sampling/core_speed.py), as if they had not.
"""

from __future__ import annotations

from stampede.facts.figures import StageFigures
from stampede.facts.run import Facts
from stampede.facts.verdict import Check, Verdict
from stampede.verdict.checks import limit, not_asked

LEAST_GOODPUT = 0.8
"""Share of the best stage's goodput that each stage with the most users must have."""

MOST_LATE_REFUSALS = 0.01
"""Share of the refusals that may have taken over a second: 2,000 users keep a generator busy too."""

SLOWEST_AFTER = 1.2
"""Times the p95 of before that is allowed after too much was asked for."""

LEAST_SECONDS = 10
"""Of a stage: what a few seconds serve says little of what can be served."""


def overload(run: Facts) -> list[Check]:
    """Return ``goodput_kept``, ``refused_in_time`` and ``recovered``, or why there is no telling."""
    stages = run.stages
    if len(stages) < 2 or max(stage.users for stage in stages) < run.users:
        return [_unknown("goodput_kept", "its users were not all there for long enough")]
    if short := [stage for stage in stages if stage.seconds < LEAST_SECONDS]:
        detail = f"that of {short[0].users:,} users has those of {short[0].seconds} s"
        return [_unknown("goodput_kept", f"{detail}, {LEAST_SECONDS} wanted")]
    refused, late = sum(stage.refused for stage in stages), sum(stage.refused_late for stage in stages)
    return [
        _goodput_kept(run),
        limit(
            "refused_in_time",
            late <= MOST_LATE_REFUSALS * refused,
            f"{refused:,} told to come back later, {late:,} of them after more than a second",
        ),
        _recovered(run),
    ]


def _unknown(name: str, why: str) -> Check:
    detail = f"a stage has too few figures: {why}; more RUN_TIME may help"
    return Check(name=name, verdict=Verdict.UNKNOWN, detail=detail)


def _goodput_kept(run: Facts) -> Check:
    """By the stage with the most users, of what the best one served; of several such, by the worst."""
    most = max(stage.users for stage in run.stages)
    shares = [
        (_ratio(asked.goodput * _slowness(run, asked, stage), stage), asked, stage)
        for asked in run.stages
        if asked.users == most
        for stage in run.stages
    ]
    share, worst, best = min(shares, key=lambda each: each[0])
    served = f"{worst.goodput:.0f} of {best.goodput:.0f} requests/s served"
    detail = f"{share:.0%}: {served}{_in_words(_slowness(run, worst, best))}"
    return limit("goodput_kept", share >= LEAST_GOODPUT, detail)


def _ratio(served: float, stage: StageFigures) -> float:
    """An API that serves nothing at any time keeps nothing."""
    return served / stage.goodput if stage.goodput else 0.0


def _recovered(run: Facts) -> Check:
    """As fast as before, with as many users again: the run's last second says whether there are to be."""
    before, after = run.stages[0], run.stages[-1]
    if before.users != after.users:
        if run.seconds and run.seconds[-1].target_users == before.users:
            return _unknown("recovered", "the last one was too short")
        return not_asked("recovered", "it does not end with as many users")
    if before.p95_ms is None or after.p95_ms is None:
        return limit("recovered", False, "nothing was answered")
    slowness = _slowness(run, after, before)
    detail = f"p95 {before.p95_ms:,g} ms before, {after.p95_ms:,g} ms after{_in_words(slowness)}"
    return limit("recovered", after.p95_ms <= SLOWEST_AFTER * before.p95_ms * slowness, detail)


def _slowness(run: Facts, stage: StageFigures, than: StageFigures) -> float:
    """How many times as long as in the other stage the same work took a core. 1 where that is not known of
    the API's: users' cores may be others."""
    if not run.machine.generator_shares_cores or not stage.same_work_ms or not than.same_work_ms:
        return 1.0
    return stage.same_work_ms / than.same_work_ms


def _in_words(slowness: float) -> str:
    return "" if slowness == 1 else f", on cores that took {slowness:.2f} times as long for the same work"

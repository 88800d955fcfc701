"""Was an overload withstood: what the stages of a run come to."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.verdict_json import Check
from stampede.verdict.overload import overload
from tests.facts import facts


def stage(users: int, goodput: float, p95_ms: int | None = 20, **changes: Any) -> dict[str, Any]:
    figures = {"users": users, "seconds": 30, "goodput": goodput, "p95_ms": p95_ms}
    return {**figures, **changes}


def checks(*stages: dict[str, Any], **changes: Any) -> dict[str, Check]:
    """By name, of a run of 2,000 users at the most."""
    return {check.name: check for check in overload(facts(users=2000, stages=[*stages], **changes))}


def verdicts(*stages: dict[str, Any], **changes: Any) -> dict[str, str]:
    return {name: check.verdict for name, check in checks(*stages, **changes).items()}


BEFORE = stage(200, 1000)
SPIKE = stage(2000, 900, 500, refused=5000, refused_late=50)
AFTER = stage(200, 990, 21)


@pytest.mark.parametrize(
    ("stages", "failing"),
    [
        ([BEFORE, SPIKE, AFTER], set()),
        ([BEFORE, stage(2000, 800), AFTER], set()),
        ([BEFORE, stage(2000, 790), AFTER], {"goodput_kept"}),
        ([BEFORE, stage(2000, 900), stage(200, 1200)], {"goodput_kept"}),
        # the stages with few users need not serve as much as the others
        ([stage(200, 400), SPIKE, stage(200, 400)], set()),
        # a stage of ten seconds is long enough
        ([BEFORE, stage(2000, 790, seconds=10), AFTER], {"goodput_kept"}),
        # one of two spikes
        ([BEFORE, SPIKE, BEFORE, stage(2000, 790), AFTER], {"goodput_kept"}),
        ([BEFORE, stage(2000, 790), BEFORE, SPIKE, AFTER], {"goodput_kept"}),
        ([BEFORE, SPIKE, stage(200, 990, 21, refused=50, refused_late=1)], {"refused_in_time"}),
        ([BEFORE, SPIKE, stage(200, 990, 24)], set()),
        ([BEFORE, SPIKE, stage(200, 990, 25)], {"recovered"}),
    ],
)
def test_it_is_judged_by_what_is_still_served(stages: list[dict[str, Any]], failing: set[str]) -> None:
    found = verdicts(*stages)
    assert {name for name, verdict in found.items() if verdict == "FAIL"} == failing
    assert found.keys() == {"goodput_kept", "refused_in_time", "recovered"}


SHARED = {"machine": {"generator_shares_cores": True}}
APART = {"machine": {"generator_shares_cores": False}}


def at_speed(*same_work_ms: float | None) -> list[dict[str, Any]]:
    """Three stages on cores of such a speed, of which the last two do worse than the first: figures that
    cores of one speed would fail with."""
    figures = ((200, 1000, 20), (2000, 700, 500), (200, 700, 28))
    return [stage(*each, same_work_ms=took) for each, took in zip(figures, same_work_ms, strict=True)]


@pytest.mark.parametrize(
    ("same_work_ms", "run", "verdict"),
    [
        ((0.3, 0.42, 0.42), SHARED, "PASS"),
        ((0.3, 0.31, 0.31), SHARED, "FAIL"),
        ((0.3, 0.3, 0.3), SHARED, "FAIL"),
        ((0.3, 0.42, 0.42), APART, "FAIL"),
        ((0.3, 0.42, 0.42), {}, "FAIL"),
        # of cores that were not measured in each stage, nothing is known
        ((None, 0.42, 0.42), SHARED, "FAIL"),
        ((0.3, None, None), SHARED, "FAIL"),
    ],
)
def test_cores_that_got_slower_are_not_the_apis_fault(
    same_work_ms: tuple[float | None, ...], run: dict[str, Any], verdict: str
) -> None:
    """Where it is known that they are the API's cores."""
    found = verdicts(*at_speed(*same_work_ms), **run)
    assert (found["goodput_kept"], found["recovered"]) == (verdict, verdict)


def test_cores_that_got_faster_are_not_its_merit() -> None:
    """The same figures on cores that need less for the same work are worse ones."""
    stages = [
        stage(200, 1000, 20, same_work_ms=0.4),
        stage(2000, 900, same_work_ms=0.3),
        stage(200, 1000, 20, same_work_ms=0.3),
    ]
    found = verdicts(*stages, **SHARED)
    assert (found["goodput_kept"], found["recovered"]) == ("FAIL", "FAIL")


def test_how_much_slower_they_were_is_said() -> None:
    """With both figures as they were measured: a person must be able to judge by themselves."""
    found = checks(*at_speed(0.3, 0.42, 0.42), **SHARED)
    slower = "on cores that took 1.40 times as long for the same work"
    assert found["goodput_kept"].detail == f"98%: 700 of 1000 requests/s served, {slower}"
    assert found["recovered"].detail == f"p95 20 ms before, 28 ms after, {slower}"


@pytest.mark.parametrize(
    "stages", [[BEFORE], [SPIKE], [BEFORE, AFTER], [BEFORE, stage(2000, 900, seconds=9), AFTER], []]
)
def test_stages_that_have_too_few_figures_decide_nothing(stages: list[dict[str, Any]]) -> None:
    """The one with all the users least of all."""
    assert verdicts(*stages) == {"goodput_kept": "UNKNOWN"}


@pytest.mark.parametrize(("users_at_the_end", "expected"), [(200, "UNKNOWN"), (2000, "NOT_ASKED")])
def test_a_recovery_that_nobody_could_look_at_is_unknown(users_at_the_end: int, expected: str) -> None:
    """Its stage was too short. A run that is not to end with as few users is not asked."""
    seconds = [
        {"second": 1, "users": 200, "target_users": 2200 - users_at_the_end},
        {"second": 2, "users": 200, "target_users": users_at_the_end},
    ]
    assert verdicts(BEFORE, SPIKE, seconds=seconds)["recovered"] == expected
    assert verdicts(BEFORE, SPIKE)["recovered"] == "NOT_ASKED"


def test_who_serves_nothing_does_not_pass() -> None:
    """Without an answer there are no percentiles either."""
    found = verdicts(*(stage(users, 0.0, None, refused=9) for users in (200, 2000, 200)))
    assert (found["goodput_kept"], found["recovered"]) == ("FAIL", "FAIL")


@pytest.mark.parametrize(("before", "after"), [(20, None), (None, 20)])
def test_an_api_that_answered_in_one_stage_only_has_not_recovered(
    before: int | None, after: int | None
) -> None:
    found = checks(stage(200, 1000, before), SPIKE, stage(200, 990, after))["recovered"]
    assert (found.verdict, found.detail) == ("FAIL", "nothing was answered")

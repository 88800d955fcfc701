"""A plan of faults is understood, or refused with the fault, the key and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.plan import FOLDER, KINDS, PlanError, find, parse, read

LOAD = {"users": 20, "spawn_rate": 10, "run_time": 60, "workers": 2}
KILL = {"at": 10, "what": "kill", "target": "api", "duration": 2}


def plan(*faults: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A plan that is good, but for the changes; None takes a key away."""
    table = {"load": LOAD, "fault": list(faults) or [KILL], **changes}
    return {key: value for key, value in table.items() if value is not None}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_plan_of_ours_can_be_carried_out(path: Any) -> None:
    """And is found by its name."""
    assert read(find(path.stem)).faults


def test_the_default_plan_has_every_kind_of_fault_within_four_minutes() -> None:
    """Of the four, a minute and a half is for bringing up, what follows the load, and taking down."""
    default = read(find("default"))
    assert {(fault.what, fault.target) for fault in default.faults} >= {
        (what, target) for what, kind in KINDS.items() for target in kind.targets if target != "master"
    }
    assert any(fault.ends_the_run for fault in default.faults)
    assert default.negative_control
    assert default.load.run_time <= 150


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (plan(load=None), r"no \[load\]: add it with users"),
        (plan(fault=[]), r"there is no fault: add a \[\[fault\]\]"),
        (plan(fault=["kill"]), r"fault 1: write it as a \[\[fault\]\] table"),
        (plan(speed=1), "the plan: speed: unknown key: use"),
        (plan(negative_control="no"), "negative_control: must be true or false, not 'no'"),
        (plan(load={**LOAD, "rate": 1}), r"\[load\]: rate: unknown key"),
        (plan(load={**LOAD, "users": 0}), r"\[load\]: users: must be a number over 0, not 0"),
        (plan(load={**LOAD, "workers": 1.5}), r"\[load\]: workers: must be a whole number, not 1.5"),
        (plan(load={**LOAD, "pace": "none"}), r"\[load\]: pace: must be a number over 0, not 'none'"),
        (plan({**KILL, "what": "unplug"}), "fault 1: what: must be one of kill, pause, .*, not 'unplug'"),
        (plan({**KILL, "what": ["kill"]}), r"fault 1: what: must be one of kill, pause, .*, not \['kill'\]"),
        (
            plan({**KILL, "target": ["api"]}),
            r"fault 1: target: must be one of api, .* for kill, not \['api'\]",
        ),
        (
            plan({**KILL, "what": "exhaust", "target": "postgres", "duration": 61}),
            "fault 1: duration: connections are held for 60 s at most: use 60 or less",
        ),
        (
            plan({**KILL, "what": "pause", "target": "worker"}),
            "fault 1: target: must be one of api, postgres for pause, not 'worker'",
        ),
        (plan(KILL, {**KILL, "at": True}), "fault 2: at: must be a number over 0, not True"),
        (plan({"at": 10, "what": "kill", "target": "api"}), "fault 1: duration: must be a number over 0"),
        (plan({**KILL, "workers": 3}), "fault 1: workers: unknown key: use at, duration"),
        (plan({"at": 10, "what": "scale", "target": "worker"}), "fault 1: workers: must be a number over 0"),
        (plan({**KILL, "at": 3}), "fault 1: at: users are still starting at second 3: use 4 or later"),
        (
            plan({**KILL, "at": 54}),
            "fault 1: at: its recovery ends at second 61, but the load lasts 60 s: use 53",
        ),
        (
            plan(KILL, {**KILL, "what": "pause", "at": 16}),
            r"fault 2: at: api has not recovered from fault 1 \(kill api for 2 s\): use 17 or later",
        ),
        (plan({**KILL, "at": 16}, KILL), r"fault 1: at: api has not recovered from fault 2"),
    ],
)
def test_a_bad_plan_is_refused(table: dict[str, Any], words: str) -> None:
    """By one line that says where, why and what to do."""
    with pytest.raises(PlanError, match=words) as refused:
        parse("bad", table)
    assert "\n" not in str(refused.value)


def test_faults_of_different_targets_may_overlap() -> None:
    """Things do break together; and a restart of the master has a load of its own."""
    restart = {"at": 10, "what": "restart", "target": "master"}
    parsed = parse("good", plan(KILL, {**KILL, "target": "postgres"}, restart, restart))
    assert [fault.number for fault in parsed.faults_of_the_load] == [1, 2]


def test_a_plan_that_is_not_there_is_refused() -> None:
    """And those there are are named."""
    with pytest.raises(PlanError, match="there is no plan 'calm': use default"):
        find("calm")


def test_a_file_that_is_no_toml_is_refused(tmp_path: Any) -> None:
    """By its name."""
    (tmp_path / "bad.toml").write_text("[load")
    with pytest.raises(PlanError, match=r"bad\.toml: "):
        read(find(str(tmp_path / "bad.toml")))

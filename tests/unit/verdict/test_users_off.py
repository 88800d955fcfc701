"""Users of merged seconds are judged as those of single seconds are."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.facts.run_json import EndedUsers, Facts
from stampede.verdict.moves import moving_seconds
from stampede.verdict.users_kept import STOP_DELAY, Ended, users_kept
from stampede.verdict.users_off import UsersOff
from tests.facts import facts, make

SECONDS = range(1_000, 1_120)
MERGED = 60
"""Seconds that are merged into one row."""


def run(chance: random.Random, *, is_shaped: bool) -> Facts:
    """A run in which users are missing now and then: most of the time something explains it."""
    rows, events, ended = [], [], []
    gone = 0
    for second in SECONDS:
        planned = 20 + (second // 7 % 5 if is_shaped else 0)
        target = planned if is_shaped else 20
        missing = chance.random() < 0.04
        if missing and chance.random() < 0.6:
            events.append(Event(name="worker_joined", at=float(second), worker="1-a", id="a"))
        if chance.random() < 0.02:
            gone += 1
            ended.append(EndedUsers(second=second, cause="StopUser", users=1))
        users = min(planned, second - SECONDS.start) - gone - 3 * missing
        figures: dict[str, Any] = {"users": max(0, users), "target_users": target, "planned_users": planned}
        rows.append(make(Second, second=second, **figures))
    window = {"start": SECONDS.start + 25, "end": SECONDS.stop}
    shape = "Waves" if is_shaped else None
    return facts(
        seconds=rows, events=events, ended_users=ended, window=window, shape=shape, profile="own", users=20
    )


def with_merged(of: Facts) -> Facts:
    """The run with its first seconds as one row, as the master merges them."""
    judge, ended, moving = UsersOff(bool(of.shape)), Ended(of.ended_users), moving_seconds(of.events)
    assert of.window
    start = of.window.start if of.shape else 0
    judged = [row for row in of.seconds[: MERGED + STOP_DELAY] if row.second >= start]
    off = {*judge.add(judged, moving, ended)}
    older, recent = of.seconds[:MERGED], of.seconds[MERGED:]
    rows = []
    for part in (older[: of.window.start - SECONDS.start], older[of.window.start - SECONDS.start :]):
        found = [row for row in part if row.second in off]
        chosen = (
            max(found, key=lambda row: abs(row.users - row.target_users))
            if found
            else min(reversed(part), key=lambda row: abs(row.users - row.target_users))
        )
        rows.append(replace(chosen, second=part[0].second, seconds=len(part), off_seconds=len(found)))
    flagged = [replace(row, off_seconds=int(row.second in off)) for row in recent]
    return replace(of, seconds=[*rows, *flagged], merged_until=recent[0].second)


@pytest.mark.parametrize("is_shaped", [False, True])
def test_the_verdict_is_that_of_single_seconds(is_shaped: bool) -> None:
    """Of a plan and of a shape: what explains a missing user is decided before its second is merged."""
    verdicts = []
    for seed in range(40):
        of = run(random.Random(seed), is_shaped=is_shaped)  # noqa: S311 - guards no secret
        one, two = users_kept(of), users_kept(with_merged(of))
        assert two.verdict == one.verdict, seed
        verdicts.append(one.verdict)
    assert {*verdicts} == {"PASS", "UNKNOWN"}

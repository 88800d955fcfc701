"""Waits are scaled so that all users together offer a rate, and keep their proportions."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from locust import User, between, constant, constant_pacing
from locust.env import Environment

from stampede import pace
from stampede.latency import DUE


class Calm(User):
    weight = 3
    wait_time = constant(3)


class Busy(User):
    weight = 1
    wait_time = between(0.9, 1.1)


class Restless(User):
    weight = 4


class CalmChild(Calm):
    """Has its wait from its parent."""


class OnSchedule(User):
    wait_time = constant_pacing(2)


CLASSES = (Calm, Busy, Restless, OnSchedule)


@pytest.fixture(autouse=True)
def _own_waits_afterwards() -> Iterator[None]:
    yield
    pace.apply(CLASSES, None)


def test_the_factor_brings_the_users_to_the_rate() -> None:
    """100 users, of whom 75 send every 3 s and 25 every second, offer 50/s; for 200/s they wait a quarter."""
    assert pace.factor([Calm, Busy], users=100, rate=200) == pytest.approx(0.25, rel=0.01)


def test_users_without_a_wait_are_no_part_of_the_reckoning() -> None:
    """A class that never waits, or whose wait depends on its own past, offers what it offers."""
    assert pace.factor([Restless, OnSchedule], users=100, rate=200) == 0


def test_a_paced_wait_counts_from_when_the_task_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer shortens the next wait; a very slow one takes it away until the user has caught up."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "perf_counter", lambda: clock.now)
    pace.apply([Calm], 1 / 3)
    user = SimpleNamespace()
    waits = []
    for answered_after in (0.0, 0.2, 2.5, 0.0, 0.0, 0.0):
        clock.now += answered_after
        wait = Calm.wait_time(user)
        waits.append(round(wait, 3))
        clock.now += wait
    assert waits == [1.0, 0.8, 0, 0, 0.5, 1.0]


def test_unpaced_users_do_not_wait() -> None:
    """A scale of 0 takes every wait away, of whatever kind it was."""
    pace.apply(CLASSES, 0)
    assert [user_class.wait_time(SimpleNamespace()) for user_class in CLASSES] == [0, 0, 0, 0]


def test_own_waits_come_back() -> None:
    """A run without a pace after one with it finds the users as the locustfile has them."""
    own = Calm.wait_time
    pace.apply(CLASSES, 0.5)
    assert Calm.wait_time is not own
    pace.apply(CLASSES, None)
    assert Calm.wait_time is own


def test_a_wait_that_keeps_its_own_schedule_stays() -> None:
    """constant_pacing already counts from the last start: scaling it would be wrong."""
    own = OnSchedule.wait_time
    pace.apply([OnSchedule], 0.5)
    assert OnSchedule.wait_time is own


def test_a_wait_from_a_parent_is_scaled_once() -> None:
    """Whatever the order, and when an unpaced run was before."""
    for scale, wait in ((0, 0), (0.5, 1.5), (None, 3)):
        pace.apply([Calm, CalmChild], scale)
        waited = CalmChild.wait_time(SimpleNamespace())
        assert waited == pytest.approx(wait, abs=0.01)


def test_the_first_request_of_a_paced_task_says_when_it_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late after a slow answer; what else a context holds stays."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(pace, "time", lambda: clock.now + 5000)
    pace.apply([Calm], 1 / 3)
    user = Calm(Environment())
    due = []
    for answered_after in (0.0, 2.5, 0.0):
        due.append([user.context()[DUE] for _ in range(2)])
        clock.now += answered_after
        clock.now += user.wait_time()
    assert due == [[None, None], [5101, None], [5102, None]]  # 5102: a second and a half ago


class Labelled(Calm):
    def context(self) -> dict[str, Any]:
        return {**super().context(), "label": "x"}


def test_a_context_of_the_users_own_is_kept() -> None:
    """Also one that asks its parent, which is paced too."""
    pace.apply([Calm, Labelled], 1)
    user = Labelled(Environment())
    user.wait_time()
    assert user.context() == {"label": "x", DUE: ANY}
    assert user.context() == {"label": "x", DUE: None}
    pace.apply([Calm, Labelled], None)
    assert user.context() == {"label": "x"}


@pytest.mark.parametrize("scale", [None, 0])
def test_users_without_a_pace_are_never_due(scale: float | None) -> None:
    pace.apply([Calm], 1)
    pace.apply([Calm], scale)
    assert Calm(Environment()).context() == {}


def test_who_keeps_a_schedule_of_their_own_is_never_due() -> None:
    pace.apply([OnSchedule], 0.5)
    assert OnSchedule(Environment()).context() == {}

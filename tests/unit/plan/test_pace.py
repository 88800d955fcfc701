"""Waits are scaled so that all users together offer a rate, and keep their proportions."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import ANY

import pytest
from locust import (
    SequentialTaskSet,
    TaskSet,
    User,
    between,
    constant,
    constant_pacing,
    constant_throughput,
    task,
)
from locust.env import Environment
from locust.user import wait_time

from stampede.counting.request import DUE
from stampede.plan import pace


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


class Racer(User):
    weight = 1
    wait_time = constant(0)
    sets_own_pace = True


class Guard(User):
    fixed_count = 10
    wait_time = constant(2)


class OnSchedule(User):
    wait_time = constant_pacing(2)


class Hurried(User):
    wait_time = constant_throughput(4)


class Growing(User):
    """Waits a second more each time, as an example of Locust's does."""

    last_wait_time = 0.0

    def wait_time(self) -> float:
        self.last_wait_time += 1
        return self.last_wait_time


class Forgetful(User):
    def wait_time(self) -> None:
        """It forgot to return anything."""


class Broken(User):
    def wait_time(self) -> float:
        raise KeyError("pause")


CLASSES = (Calm, Busy, Restless, OnSchedule, Hurried, Growing)


@pytest.fixture(autouse=True)
def _own_waits_afterwards() -> Iterator[None]:
    yield
    pace.apply(CLASSES, None)


def test_the_factor_brings_the_users_to_the_rate() -> None:
    """100 users, of whom 75 send every 3 s and 25 every second, offer 50/s; for 200/s they wait a quarter."""
    assert pace.factor([Calm, Busy], users=100, rate=200) == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("user_class", [Restless, Growing, Forgetful, Broken])
def test_a_class_without_a_known_wait_counts_as_one_that_waits_a_second(user_class: type[User]) -> None:
    """It has none, or its wait depends on its own past, or cannot be called."""
    assert pace.factor([user_class], users=100, rate=200) == pytest.approx(0.5, rel=0.05)


def test_a_class_that_sets_its_own_pace_is_left_out() -> None:
    """Racers wait for their round. Of 40 users 30 are Calm, and send 10 requests/s."""
    assert pace.factor([Racer], users=100, rate=200) == 0
    assert pace.factor([Racer, Calm], users=40, rate=10) == pytest.approx(1, rel=0.01)
    pace.apply([Racer], 0.5)
    assert Racer(Environment()).wait_time() == 0
    assert Racer(Environment()).context() == {}


def test_users_of_a_fixed_count_are_no_others() -> None:
    """Of 100 users 10 are Guards, who send 5/s together; the other 90 are Calm and send 30/s."""
    assert pace.factor([Guard, Calm], users=100, rate=35) == pytest.approx(1, rel=0.01)
    assert pace.factor([Guard, Calm], users=6, rate=3) == pytest.approx(1, rel=0.01), "fewer than Guards"


@pytest.mark.parametrize(("user_class", "own_rate"), [(OnSchedule, 50), (Hurried, 400)])
def test_a_schedule_of_their_own_is_a_wait(user_class: type[User], own_rate: float) -> None:
    """What constant_pacing and constant_throughput offer is told by the number they were given."""
    assert pace.factor([user_class], users=100, rate=200) == pytest.approx(own_rate / 200, rel=0.01)


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
    assert {user_class(Environment()).wait_time() for user_class in CLASSES} == {0}


def test_own_waits_come_back() -> None:
    """A run without a pace after one with it finds the users as the locustfile has them."""
    own = Calm.wait_time
    pace.apply(CLASSES, 0.5)
    assert Calm.wait_time is not own
    pace.apply(CLASSES, None)
    assert Calm.wait_time is own


def test_a_schedule_of_their_own_is_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late answers are taken off once: constant_pacing does so too, and is not asked to."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(wait_time, "perf_counter", lambda: clock.now)
    pace.apply([OnSchedule], 1 / 2)
    user = OnSchedule(Environment())
    waits = []
    for answered_after in (0.0, 0.25, 2.5, 0.0, 0.0, 0.0):
        clock.now += answered_after
        waits.append(user.wait_time())
        clock.now += waits[-1]
    assert waits == [1.0, 0.75, 0, 0, 0.5, 1.0]


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
    for answered_after in (0.0, 4.5, 0.0):
        due.append([user.context()[DUE] for _ in range(2)])
        clock.now += answered_after
        clock.now += user.wait_time()
    assert due == [[None, None], [5102, None], [5104, None]]  # 5104: two and a half seconds ago


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


def test_a_task_with_three_requests_is_followed_by_three_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate is of requests. A task without a request counts as one."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(pace, "perf_counter", lambda: clock.now)
    pace.apply([Calm], 1 / 3)
    user = Calm(Environment())
    waits = []
    for requests in (3, 1, 0, 2):
        for _ in range(requests):
            user.context()
        waits.append(round(user.wait_time(), 3))
        clock.now += waits[-1]
    assert waits == [3, 1, 1, 2]


class Browsing(TaskSet):
    wait_time = constant(7)

    @task
    class Deeper(SequentialTaskSet):
        wait_time = constant(9)

        @task
        def read(self) -> None:
            """Send nothing."""


Browsing.Deeper.tasks.append(Browsing)  # locust allows a circle


class Reader(User):
    wait_time = constant(1)
    tasks = (Browsing,)


def test_waits_of_task_sets_follow_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would override the user's wait. Without a pace they return."""
    monkeypatch.setattr(pace, "perf_counter", lambda: 100.0)
    for scale, waits in ((0.5, [0.5, 1.0]), (0, [0, 0]), (None, [7, 9])):
        pace.apply([Reader], scale)
        browsing = Browsing(Reader(Environment()))
        assert [browsing.wait_time(), Browsing.Deeper(browsing).wait_time()] == pytest.approx(waits)

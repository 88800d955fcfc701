"""The load of a run on a real master whose workers do at once what they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from time import monotonic
from typing import Any

import gevent
import pytest
from locust import LoadTestShape, User

from stampede.plan.profiles import Plan, Stage, shaped
from stampede.plan.shape import ShapeError, next_tick
from stampede.run.load import Load
from stampede.run.stages import Stages
from tests.integration.test_cluster_master import Cluster


class Guest(User):
    pass


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with closing(Cluster("a", "b")) as made:
        yield made
        made.cluster_master.end()


class Script(LoadTestShape):
    """One tick after the other; each call is one."""

    def __init__(self, *ticks: Any) -> None:
        super().__init__()
        self._ticks = iter(ticks)
        self.asked_at: list[float] = []

    def tick(self) -> Any:
        self.asked_at.append(monotonic())
        return next(self._ticks)


def follow(cluster: Cluster, shape: LoadTestShape) -> tuple[bool, list[int]]:
    """Whether the shape was followed to its end, and the numbers of users that ran, one after the other."""
    cluster.environment.shape_class = shape
    plan = shaped(Plan("usual", (Stage(1, 1, 1),)), "Script", {})
    first = next_tick(shape)
    load = Load(cluster.environment, plan, Stages(cluster.environment), first)
    begun: list[float] = []
    greenlet = gevent.spawn(load.carry_out, lambda: True, lambda: begun.append(monotonic()))
    seen: list[int] = []
    with gevent.Timeout(20):
        while not greenlet.ready():
            gevent.sleep(0.02)
            if not seen or seen[-1] != cluster.runner.user_count:
                seen.append(cluster.runner.user_count)
    load.stop()
    assert len(begun) == 1
    return bool(greenlet.get()), seen


def test_a_shape_is_followed_second_by_second(cluster: Cluster) -> None:
    at_once = 1e6
    shape = Script((2, at_once), (2, at_once), (6, at_once), (6, at_once), (1, at_once), None)
    is_complete, seen = follow(cluster, shape)
    assert is_complete
    assert seen[-3:] == [2, 6, 1]
    waits = [later - earlier for earlier, later in zip(shape.asked_at[1:], shape.asked_at[2:], strict=False)]
    assert all(0.8 < wait < 1.3 for wait in waits), waits


def test_a_change_does_not_wait_for_the_users_of_the_last_one(cluster: Cluster) -> None:
    """Locust's own start_shape would ask for the second tick after 60 s only."""
    shape = Script((60, 1), (60, 1), (4, 100), (4, 100), None)
    is_complete, seen = follow(cluster, shape)
    assert is_complete
    assert seen[-1] == 4
    assert max(seen) < 10


def test_a_tick_may_change_the_user_classes(cluster: Cluster) -> None:
    """Of the users that are started then; those that run go on, as with Locust."""
    shape = Script((4, 1e6), (4, 1e6), (7, 1e6, [Guest]), (7, 1e6, [Guest]), None)
    follow(cluster, shape)
    running: Counter[str] = Counter()
    for client in cluster.runner.clients.all:
        running.update(client.user_classes_count)
    assert running["Guest"] == 3
    assert running.total() == 7


def test_a_shape_that_fails_is_an_error_of_the_locustfile(cluster: Cluster) -> None:
    with pytest.raises(ShapeError, match=r"Script\.tick\(\) must return"):
        follow(cluster, Script((1, 1), (1, 1), "many"))


def test_the_time_of_a_plan_counts_from_the_first_user(cluster: Cluster) -> None:
    """However long the listeners of the test's start take."""
    waits: list[Callable[[], None]] = [lambda: gevent.sleep(1.2)]
    cluster.environment.events.test_start.add_listener(lambda **_: waits.pop()())
    plan = Plan("brief", (Stage(2, 100, 0.8),))
    began = monotonic()
    first_user: list[float] = []
    load = Load(cluster.environment, plan, Stages(cluster.environment))
    assert load.carry_out(lambda: not waits, lambda: first_user.append(monotonic()))
    assert first_user[0] - began > 1.2
    assert monotonic() - first_user[0] == pytest.approx(0.8, abs=0.3)

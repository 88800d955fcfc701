"""What a LoadTestShape says is read as Locust reads it; what cannot be followed is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest
from locust import LoadTestShape, User

from stampede.facts.target import Figure, Kind, Target
from stampede.plan.profiles import Plan, ProfileError, Stage, shaped
from stampede.plan.shape import ShapeError, Tick, ignored, next_tick


class Shopper(User):
    pass


class Says(LoadTestShape):
    """Returns, or raises, what it was given."""

    def __init__(self, tick: Any) -> None:
        super().__init__()
        self.wanted = tick

    def tick(self) -> Any:
        if isinstance(self.wanted, Exception):
            raise self.wanted
        return self.wanted


@pytest.mark.parametrize(
    ("said", "tick"),
    [
        ((10, 2), Tick(10, 2.0)),
        ([10.7, 0.5], Tick(10, 0.5)),
        ((0, 1, [Shopper]), Tick(0, 1.0, (Shopper,))),
        ((5, 1, None), Tick(5, 1.0)),
        ((5, 1, []), Tick(5, 1.0)),
        (None, None),
    ],
)
def test_a_tick_is_read(said: Any, tick: Tick | None) -> None:
    assert next_tick(Says(said)) == tick


@pytest.mark.parametrize(
    "said",
    [5, "ab", (1,), (1, 2, 3, 4), (-1, 1), (1, 0), (1, float("nan")), ("1", 1), (1, 1, ["Shopper"])],
    ids=str,
)
def test_a_tick_that_cannot_be_followed_is_refused(said: Any) -> None:
    with pytest.raises(ShapeError, match=r"^Says\.tick\(\) must return \(users, spawn_rate\)"):
        next_tick(Says(said))


def test_an_exception_of_a_shape_is_named() -> None:
    with pytest.raises(ShapeError, match=r"^Says\.tick\(\) raised KeyError: 'stage'$"):
        next_tick(Says(KeyError("stage")))


TARGETS = (Target("rps", Figure(Kind.RPS), ">=", 5, "/s"),)
PLAN = Plan("heavy", (Stage(200, 10, 600),), 750, ("Shopper",), targets=TARGETS)


def test_of_a_profile_only_the_targets_are_a_shapes() -> None:
    plan = shaped(PLAN, "Says", {})
    assert (plan.targets, plan.pace, plan.user_classes) == (PLAN.targets, None, ())
    assert plan.options == {"num_users": 1, "spawn_rate": 1.0, "run_time": None}


def test_a_profile_that_nobody_named_gives_nothing() -> None:
    plan = shaped(PLAN, "Says", {"own_pace": True})
    assert (plan.profile, plan.targets) == ("Says", ())


def test_the_common_options_are_for_the_shape_to_read() -> None:
    plan = shaped(PLAN, "Says", {"users": 7, "spawn_rate": 2, "run_time": "90s"})
    assert plan.options == {"num_users": 7, "spawn_rate": 2.0, "run_time": 90}


def test_stages_and_a_shape_are_refused() -> None:
    staged = Plan("ramp", (Stage(1, 1, 60), Stage(2, 1, 60)))
    with pytest.raises(
        ProfileError, match="profile 'ramp' has stages, and the locustfile has the shape Says"
    ):
        shaped(staged, "Says", {})


def test_settings_that_a_shape_overrides_are_named() -> None:
    shape = Says(None)
    settings = {"users": 5, "run_time": "9s", "spawn_rate": None}
    assert ignored(shape, settings) == "The shape Says sets the load: USERS=, RUN_TIME= are ignored"
    assert ignored(shape, {"targets": "p95 < 1s"}) is None
    shape.use_common_options = True
    assert ignored(shape, settings) is None
    assert ignored(shape, {**settings, "rate": 9}) == "The shape Says sets the load: RATE= is ignored"

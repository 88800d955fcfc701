"""Who takes part in a run, by the files that the users stand in; and whether they can do what is wanted."""

from __future__ import annotations

import pytest
from locust import User, between, constant_throughput
from locust.env import Environment

from load_tests import locustfile, scenarios
from stampede.plan.cast import Cast, CastError, split_by_file
from stampede.plan.profiles import UNPACED, Plan, Stage

FILES = [str(locustfile.__file__), str(scenarios.__file__)]
EVERYBODY = [
    *(locustfile.InventoryManagementUser, locustfile.OrderProcessingUser, locustfile.EverythingUser),
    *(scenarios.LastItemRace, scenarios.BulkOperations),
]


def test_the_first_file_is_the_usual_mix_the_others_are_scenarios() -> None:
    """Who has no weight is neither: it takes part where it is named, and is not among `all`."""
    usual, others = split_by_file(EVERYBODY, FILES)
    assert usual == [locustfile.InventoryManagementUser, locustfile.OrderProcessingUser]
    assert others == [scenarios.LastItemRace, scenarios.BulkOperations]


def test_a_file_alone_has_no_scenarios() -> None:
    """A locustfile of one's own is taken as it is."""
    usual, others = split_by_file(EVERYBODY[:2], FILES[:1])
    assert (usual, others) == (EVERYBODY[:2], [])


class Restless(User):
    """Never waits."""


class Waiting(User):
    wait_time = between(1, 3)


class OnSchedule(User):
    wait_time = constant_throughput(0.5)


def cast(*user_classes: type[User]) -> tuple[Cast, Environment]:
    available = {user_class.__name__: user_class for user_class in user_classes}
    environment = Environment(user_classes=list(user_classes), available_user_classes=available)
    return Cast(environment), environment


def plan(pace: float | None, *user_classes: str) -> Plan:
    return Plan("light", (Stage(10, 2, 120),), pace, user_classes)


def test_a_rate_that_no_wait_can_make_is_refused() -> None:
    """They would all send as fast as answers come; who takes part stays as it was."""
    of_both, environment = cast(Restless, Waiting)
    with pytest.raises(CastError, match=r"^profile 'light' offers 150/s, and none of its users has a wait"):
        of_both.choose(plan(150, "Restless"))
    assert environment.user_classes == [Restless, Waiting]


@pytest.mark.parametrize("pace", [None, UNPACED])
def test_who_is_not_to_offer_a_rate_needs_no_wait(pace: float | None) -> None:
    restless, _ = cast(Restless)
    restless.choose(plan(pace))
    assert restless.pace_scale(plan(pace)) == pace


@pytest.mark.parametrize("user_class", [Waiting, OnSchedule])
def test_a_rate_scales_the_waits(user_class: type[User]) -> None:
    """Ten users who send every two seconds offer 5/s; for 50/s they wait a tenth."""
    of_one, _ = cast(user_class)
    of_one.choose(plan(50))
    assert of_one.pace_scale(plan(50)) == pytest.approx(0.1, rel=0.1)


def test_some_who_wait_are_enough() -> None:
    of_both, environment = cast(Restless, Waiting)
    of_both.choose(plan(150))
    assert environment.user_classes == [Restless, Waiting]


@pytest.mark.parametrize(("files", "choice"), [(FILES, "all or one of"), (FILES[:1], "one of")])
def test_all_scenarios_are_offered_where_there_are_any(files: list[str], choice: str) -> None:
    """A locustfile of one's own has none."""
    environment = Environment(user_classes=EVERYBODY, parsed_locustfiles=files)
    environment.available_user_classes = {"InventoryManagementUser": EVERYBODY[0]}
    with pytest.raises(CastError, match=f"'nobody': choose {choice} InventoryManagementUser"):
        Cast(environment).scenario("nobody")

"""Which user classes take part in a run, and whether they can send at its rate."""

from __future__ import annotations

from argparse import Namespace

import pytest
from locust import User, between, constant_throughput
from locust.env import Environment

from load_tests import locustfile, scenarios
from stampede.plan.cast import Cast, CastError, split_by_file
from stampede.plan.profiles import UNPACED, Plan, Stage
from stampede.race.racers import RacingUser

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


class Racing(RacingUser):
    """Waits for the rounds of its race."""


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


def test_a_rate_for_racers_alone_is_refused() -> None:
    """Their rounds set the pace. The classes that take part do not change."""
    of_both, environment = cast(Racing, Waiting)
    with pytest.raises(CastError, match=r"^Racing cannot send 150 requests/s: racers set their own pace"):
        of_both.choose(plan(150, "Racing"))
    assert environment.user_classes == [Racing, Waiting]


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


@pytest.mark.parametrize("other", [Restless, Racing])
def test_a_rate_needs_one_class_that_can_be_paced(other: type[User]) -> None:
    of_both, environment = cast(other, Waiting)
    of_both.choose(plan(150))
    assert environment.user_classes == [other, Waiting]


def test_users_without_a_wait_are_paced_too() -> None:
    """Ten users offer 10/s, as if each waited for a second; for 50/s they wait a fifth."""
    restless, _ = cast(Restless)
    restless.choose(plan(50))
    assert restless.pace_scale(plan(50)) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize(
    ("tags", "complaint"),
    [
        ({"tags": ["wrtie"]}, "TAGS: no task has the tag wrtie"),
        ({"exclude_tags": ["write"]}, "EXCLUDE_TAGS excludes all tasks"),
    ],
)
def test_tags_that_leave_no_task_are_refused(tags: dict[str, list[str]], complaint: str) -> None:
    """Each user would raise an exception, and the run would FAIL."""
    of_one, environment = cast(Waiting)
    environment.parsed_options = Namespace(**tags)
    with pytest.raises(CastError, match=f"^{complaint}"):
        of_one.check_tags()
    of_both, environment = cast(Waiting, Racing)  # a racer has a task
    environment.parsed_options = Namespace(**tags)
    of_both.check_tags()


@pytest.mark.parametrize(("files", "choice"), [(FILES, "all or one of"), (FILES[:1], "one of")])
def test_all_scenarios_are_offered_where_there_are_any(files: list[str], choice: str) -> None:
    """A locustfile of one's own has none."""
    environment = Environment(user_classes=EVERYBODY, parsed_locustfiles=files)
    environment.available_user_classes = {"InventoryManagementUser": EVERYBODY[0]}
    with pytest.raises(CastError, match=f"'nobody': choose {choice} InventoryManagementUser"):
        Cast(environment).scenario("nobody")

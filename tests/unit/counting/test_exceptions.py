"""Exceptions of the users' own code are counted by their place, users that end by their cause."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from gevent import GreenletExit
from locust.exception import StopUser
from requests.exceptions import MissingSchema

from stampede.counting.counts import Counts
from stampede.counting.ended_users import MAX_CAUSES, OTHERS, EndedUsers
from stampede.counting.exceptions import LONGEST_MESSAGE, MAX_EXCEPTIONS, Exceptions, place


def raised(error: Exception) -> Exception:
    """The error, with a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


def at_the_master(worker: Counts) -> Counts:
    master, report = Counts(), dict[str, Any]()
    worker.hand_over(report)
    master.add(report)
    return master


def test_exceptions_are_counted_by_place_with_the_first_message() -> None:
    worker = Counts()
    for number in range(3):
        worker.count_exception(SimpleNamespace(), raised(KeyError(f"token {number}")))
    (found,) = at_the_master(worker).exceptions.facts()
    assert (found.error, found.count, found.message) == ("KeyError", 3, "'token 0'")
    assert found.place.startswith("test_exceptions.py:")
    assert found.place.endswith(" in raised")


def test_an_exception_that_ends_its_user_is_one_exception() -> None:
    """Locust reports that of on_start, and then the user ends by it; a task set reports itself."""
    worker, user, error = Counts(), SimpleNamespace(), raised(ValueError("x"))
    worker.count_exception(SimpleNamespace(user=user), error)
    worker.count_ended_user(user, error, False)
    master = at_the_master(worker)
    (found,) = master.exceptions.facts()
    (ended,) = master.ended_users.facts()
    assert (found.count, ended.users) == (1, 1)
    assert ended.cause == f"ValueError at {place(error)}"


def test_a_user_that_ends_itself_raises_no_exception() -> None:
    worker = Counts()
    worker.count_ended_user(SimpleNamespace(), raised(StopUser()), False)
    master = at_the_master(worker)
    assert master.exceptions.facts() == []
    assert [row.cause for row in master.ended_users.facts()] == ["StopUser"]


def test_a_user_that_is_killed_raises_no_exception() -> None:
    """gevent ends its greenlet: that is no fault of the users' code."""
    worker = Counts()
    worker.count_ended_user(SimpleNamespace(), GreenletExit(), False)
    master = at_the_master(worker)
    assert master.exceptions.facts() == []
    assert [row.cause for row in master.ended_users.facts()] == ["GreenletExit"]


def test_users_that_ended_are_handed_over_once() -> None:
    """Those of all workers and reports are added up, by second and cause."""
    total = EndedUsers()
    for _worker in range(2):
        worker = EndedUsers()
        for _report in range(2):
            report: dict[str, Any] = {}
            worker.count("StopUser")
            worker.hand_over(report)
            total.add(report)
    assert sum(row.users for row in total.facts()) == 4


def test_causes_without_end_are_counted_together() -> None:
    """A cause that is known keeps its own count."""
    total = EndedUsers()
    rows = [(1000, f"Error{number} at users.py:14", 1) for number in range(MAX_CAUSES + 5)]
    total.add({"stampede_ended_users": [*rows, rows[0]]})
    users = {row.cause: row.users for row in total.facts()}
    assert len(users) == MAX_CAUSES + 1
    assert (users[OTHERS], users["Error0 at users.py:14"]) == (5, 2)


def test_the_place_of_an_exception_is_outside_of_installed_packages() -> None:
    """The locustfile's line that led to it."""
    with pytest.raises(MissingSchema) as caught:
        requests.get("no-url", timeout=1)
    assert place(caught.value).startswith("test_exceptions.py:")
    assert place(raised(KeyError())).startswith("test_exceptions.py:")
    assert place(ValueError()) == "an unknown place"


def test_a_user_that_was_stopped_is_not_missing() -> None:
    """Its on_stop may still raise an exception."""
    worker = Counts()
    worker.count_ended_user(SimpleNamespace(), raised(OSError("log out")), True)
    master = at_the_master(worker)
    assert len(master.exceptions.facts()) == 1
    assert master.ended_users.facts() == []


def test_exceptions_without_end_are_counted_together() -> None:
    total = Exceptions()
    rows = [("E", f"place {number}", 1, "x") for number in range(MAX_EXCEPTIONS + 5)]
    total.add({"stampede_exceptions": rows})
    facts = total.facts()
    assert sum(each.count for each in facts) == MAX_EXCEPTIONS + 5
    assert (facts[-1].message, facts[-1].count) == ("other exceptions", 5)
    total.add({"stampede_exceptions": rows[:1]})
    assert total.facts()[0].count == 2, "one that is known keeps its own count"


def test_a_long_message_is_cut() -> None:
    """It may have a whole answer of the API."""
    worker = Counts()
    worker.count_exception(SimpleNamespace(), ValueError("x" * 100_000))
    (raised,) = at_the_master(worker).exceptions.facts()
    assert raised.message == "x" * (LONGEST_MESSAGE - 1) + "…"

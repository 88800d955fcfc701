"""The run, second by second: a row for each, with what workers stamped with it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.env import Environment

from stampede.timeline import Timeline


@pytest.fixture
def environment() -> Any:
    environment = Environment()
    environment.runner = SimpleNamespace(user_count=10, worker_count=2)
    return environment


def test_each_second_has_its_row(environment: Any) -> None:
    """Users and workers as they were then, requests and failures as they were stamped, however late."""
    timeline = Timeline(environment)
    timeline.start()
    first = int(time.time())
    environment.runner.user_count = 20
    while int(time.time()) == first:
        gevent.sleep(0.01)
    gevent.sleep(0.01)
    total = environment.stats.total
    total.num_reqs_per_sec |= {first: 7, first + 1: 5, first + 60: 9}
    total.num_fail_per_sec |= {first: 1}
    rows = timeline.stop()
    assert rows[:2] == [
        {"second": first, "users": 10, "workers": 2, "requests": 7, "failures": 1},
        {"second": first + 1, "users": 20, "workers": 2, "requests": 5, "failures": 0},
    ]


def test_a_second_that_nobody_looked_at_is_as_the_one_before(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A master that was too busy for a second leaves no hole."""
    timeline = Timeline(environment)
    timeline.start()
    now = time.time()
    environment.runner.user_count = 20
    environment.stats.total.num_reqs_per_sec |= {int(now) + 1: 5}
    monkeypatch.setattr(time, "time", lambda: now + 2)
    rows = timeline.stop()
    assert [row["users"] for row in rows] == [10, 10, 20]
    assert [row["requests"] for row in rows] == [0, 5, 0]


def test_a_run_that_ends_at_once_has_a_row(environment: Any) -> None:
    """Never an empty series."""
    timeline = Timeline(environment)
    timeline.start()
    assert timeline.stop()[0]["users"] == 10

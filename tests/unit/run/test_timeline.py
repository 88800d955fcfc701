"""The run, second by second: a row for each, with what workers stamped with it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.env import Environment

from stampede.counting.counts import Counts
from stampede.facts.figures import Second
from stampede.run.timeline import Timeline
from tests.facts import make
from tests.unit.counted import Shop


@pytest.fixture
def environment() -> Any:
    environment = Environment()
    environment.runner = SimpleNamespace(
        user_count=10,
        target_user_count=20,
        worker_count=2,
        _users_dispatcher=SimpleNamespace(users_due=lambda: 15, users_starting=lambda: 2),
    )
    return environment


def report(second: int, requests: int, failures: int = 0) -> dict[str, Any]:
    """What a worker tells of so many requests, all of them 200."""
    made: dict[str, Any] = {}
    Counts().hand_over(made)
    return {
        **made,
        "stampede_latency": [(second, "GET", "/", requests, failures, b"", b"", b"", b"", 0)],
        "stampede_outcomes": {**made["stampede_outcomes"], "counts": [(second, "GET", "/", 200, requests)]},
    }


def test_each_second_has_its_row(environment: Any) -> None:
    """Users and workers as they were then, requests and failures as they were stamped, however late."""
    counts = Counts()
    timeline = Timeline(environment, counts)
    timeline.start()
    first = int(time.time())
    environment.runner.user_count = 20
    while int(time.time()) == first:
        gevent.sleep(0.01)
    gevent.sleep(0.01)
    for second, requests, failures in ((first, 7, 1), (first + 1, 5, 0), (first + 60, 9, 0)):
        counts.add(report(second, requests, failures))
    timeline.stop()
    seen = {"target_users": 20, "planned_users": 15, "starting_users": 2, "workers": 2}
    assert timeline.rows()[:2] == [
        make(Second, **seen, second=first, users=10, requests=7, failures=1, outcomes={"200": 7}),
        make(Second, **seen, second=first + 1, users=20, requests=5, failures=0, outcomes={"200": 5}),
    ]
    assert timeline.rows(since=first + 1)[0].second == first + 1


def test_a_second_has_its_own_figures(environment: Any) -> None:
    """Not those of the seconds around it; its outcomes by their status."""
    shop = Shop()
    timeline = Timeline(environment, shop.counts)
    timeline.start()
    timeline.stop()
    second = timeline.rows()[0].second
    shop.answers([second - 1, second + 1], "GET /", [9000], status=500)
    shop.answers([second], "GET /", [20], status=409)
    shop.answers([second], "GET /", [10])
    (row,) = [row for row in timeline.rows() if row.second == second]
    assert row == Second(
        second=second,
        users=10,
        target_users=20,
        planned_users=15,
        starting_users=2,
        workers=2,
        requests=2,
        failures=0,
        outcomes={"200": 1, "409": 1},
        unanswered=0,
        p50_ms=10,
        p95_ms=20,
        p99_ms=20,
        max_ms=20,
        from_start_p99_ms=None,
    )
    assert [*row.outcomes] == ["200", "409"]


def test_a_second_has_all_its_requests(environment: Any) -> None:
    """Also one that was not answered, whose time is the longest, and those sent after the stop."""
    shop = Shop()
    timeline = Timeline(environment, shop.counts)
    timeline.start()
    timeline.stop()
    second = timeline.rows()[0].second
    shop.counts.stop()
    shop.answers([second], "GET /", [10], start_time=second + 90.0)
    shop.answers([second], "GET /", [700], status=0, exception=TimeoutError(), start_time=second - 9.0)
    row = timeline.rows()[0]
    assert (row.requests, row.failures, row.unanswered, row.outcomes) == (2, 1, 1, {"0": 1, "200": 1})
    assert (row.p99_ms, row.max_ms) == (10, 700)


def test_a_second_that_nobody_looked_at_is_as_the_one_before(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A master that was too busy for a second leaves no hole."""
    counts = Counts()
    timeline = Timeline(environment, counts)
    timeline.start()
    now = time.time()
    environment.runner.user_count = 20
    counts.add(report(int(now) + 1, 5))
    monkeypatch.setattr(time, "time", lambda: now + 2)
    timeline.stop()
    assert [row.users for row in timeline.rows()] == [10, 10, 20]
    assert [row.requests for row in timeline.rows()] == [0, 5, 0]


def test_a_run_that_ends_at_once_has_a_row(environment: Any) -> None:
    """Never an empty series."""
    timeline = Timeline(environment, Counts())
    timeline.start()
    timeline.stop()
    assert timeline.rows()[0].users == 10

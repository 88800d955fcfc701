"""A stage is looked at when its users are there and what they meet has settled, until it is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from locust.env import Environment

from stampede.counting.counts import Counts
from stampede.facts.event import Event
from stampede.facts.figures import StageFigures
from stampede.facts.samples import ProcessSample
from stampede.run.stages import Stages
from tests.unit.counted import set_clock


class Shop:
    """A master's view of users who are served or refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        clock = SimpleNamespace(time=lambda: self.now)
        monkeypatch.setattr("stampede.run.stages.time", clock)
        set_clock(monkeypatch, clock)
        self.counts = Counts()
        self.workers: dict[str, list[ProcessSample]] = {}
        self.events: list[Event] = []
        self.runner = SimpleNamespace(user_count=0)
        self.stages = Stages(cast("Environment", SimpleNamespace(runner=self.runner)))

    def pass_by(self, seconds: int, users: int, statuses: tuple[int, ...] = ()) -> None:
        """Each second these answers come, after 10 ms each."""
        self.runner.user_count = users
        for _ in range(seconds):
            self.now += 0.5
            for status in statuses:
                answer = SimpleNamespace(status_code=status)
                self.counts.count(request_type="GET", name="/", response_time=10, response=answer)
            self.now += 0.5
            self.stages.check_users()

    def stage(self, users: int, seconds: int, *statuses: int) -> StageFigures:
        self.stages.begin(users)
        self.pass_by(3, users // 2, statuses * 7)  # the ramp
        self.pass_by(6, users, statuses * 5)  # not settled yet: that they are there is seen after one
        self.pass_by(seconds, users, statuses)
        self.stages.end()
        return self.rows[-1]

    @property
    def rows(self) -> list[StageFigures]:
        return self.stages.rows(self.counts, self.workers, self.events)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(monkeypatch)


def test_what_comes_before_it_has_settled_is_left_out(shop: Shop) -> None:
    row = shop.stage(10, 20, 200, 409)
    assert (row.users, row.seconds, row.rps, row.goodput, row.refused) == (10, 20, 2.0, 2.0, 0)
    assert row.p95_ms == 10


def test_refused_and_failed_is_not_served(shop: Shop) -> None:
    row = shop.stage(10, 10, 200, 503, 503, 500)
    assert (row.rps, row.goodput, row.refused) == (4.0, 1.0, 20)


def test_each_stage_stands_for_itself_and_one_too_short_for_nothing(shop: Shop) -> None:
    shop.stage(10, 10, 200)
    shop.stages.begin(20)
    shop.pass_by(4, 20, (200,))
    shop.stages.end()
    shop.stage(10, 10, 200, 200)
    assert [(row.users, row.rps) for row in shop.rows] == [(10, 1.0), (10, 2.0)]


def test_how_fast_the_cores_were_is_that_of_its_seconds(shop: Shop) -> None:
    """On the average of all workers; a stage whose workers told nothing of it has no figure."""
    took = {second: 0.3 if second < 1020 else 0.5 for second in range(1000, 1060)}
    shop.workers = {
        "0-a": [ProcessSample(second=second, same_work_ms=ms) for second, ms in took.items()],
        "1-b": [ProcessSample(second=second, same_work_ms=ms + 0.2) for second, ms in took.items()],
    }
    figures = [shop.stage(users, 10, 200).same_work_ms for users in (10, 20, 30, 40)]
    assert figures == [0.4, 0.6, 0.6, None]


def test_seconds_in_which_workers_moved_are_left_out(shop: Shop) -> None:
    """As from the window; a stage of which nothing is left has no figures."""
    row = shop.stage(10, 20, 200)
    shop.workers = {"0-a": [ProcessSample(second=second, same_work_ms=0.3) for second in range(1000, 1030)]}
    shop.events.append(Event(name="worker_joined", at=shop.now - 8.5))
    assert (shop.rows[0].seconds, shop.rows[0].rps, shop.rows[0].same_work_ms) == (14, row.rps, 0.3)
    assert shop.rows[0].requests == 14
    shop.events += [Event(name="worker_left", at=shop.now - place) for place in (3.0, 13.0, 18.0)]
    assert shop.rows == []

"""What is made of looks at an API that comes and goes."""

from __future__ import annotations

from collections import Counter

import pytest

from stampede.facts.event import Event
from stampede.sampling.api_metrics import Metrics
from stampede.sampling.replica import Replica

ORDER = ("POST", "/orders/", "201")
PAGE = ("GET", "/products/", "200")


def metrics(orders: int = 0, started: float | None = None, pages: int = 0) -> Metrics:
    return Metrics(+Counter({ORDER: orders, PAGE: pages}), started)


def test_what_was_counted_before_the_run_is_not_of_it() -> None:
    """The API may be as old as it likes."""
    replica = Replica(metrics(100, started=1), 50, before={ORDER: 100})
    replica.update(metrics(130, started=1), 51)
    assert replica.restarts == []
    assert replica.requests == {ORDER: 30}


@pytest.mark.parametrize(
    ("looks", "requests"),
    [
        ([metrics(100, 1.0), metrics(130, 1.0), metrics(5, 60.0)], 35),
        # it has counted more already than the one before: its start tells
        ([metrics(100, 1.0), metrics(130, 1.0), metrics(500, 60.0)], 530),
        # nothing yet: there are not even names
        ([metrics(100, 1.0), metrics(130, 1.0), metrics(0, 60.0), metrics(2, 60.0)], 32),
        # one that does not tell its start
        ([metrics(100), metrics(130), metrics(5)], 35),
        # one counter fell, another did not
        ([metrics(100), metrics(130, pages=1), metrics(5, pages=9)], 35),
    ],
)
def test_a_restart_keeps_what_was_seen_and_counts_on(looks: list[Metrics], requests: int) -> None:
    """From 0: and the event says since when nobody had looked."""
    replica = Replica(looks[0], 50, before=looks[0].requests)
    for second, look in enumerate(looks[1:]):
        replica.update(look, 51 + second)
    assert replica.requests[ORDER] == requests
    (event,) = replica.restarts
    assert event == Event(name="api_restarted", at=looks[2].started or 52, last_look=51)


def test_two_restarts_are_two() -> None:
    """What each of the three had counted is there."""
    replica = Replica(metrics(100, 1.0), 50, before={ORDER: 100})
    replica.update(metrics(7, 60.0), 61)
    replica.update(metrics(5, 70.0), 71)
    assert len(replica.restarts) == 2
    assert replica.requests == {ORDER: 12}


def test_a_start_that_is_told_differently_by_an_instant_is_the_same() -> None:
    """Each process of an API reckons it from the machine's start, by a clock that is set."""
    replica = Replica(metrics(1, 60.0), 61, before={})
    replica.update(metrics(2, 60.9), 62)
    replica.update(metrics(3, 60.0), 63)
    assert replica.restarts == []
    assert not replica.is_shared


def test_processes_that_answer_in_turns_are_seen() -> None:
    """Behind a balancer a look meets one of several: their counts cannot be told apart."""
    replica = Replica(metrics(100, 30.0), 61, before={})
    replica.update(metrics(7, 60.0), 62)
    assert not replica.is_shared
    replica.update(metrics(101, 30.0), 63)
    assert replica.is_shared
    replica.update(metrics(8, 60.0), 64)
    assert len(replica.restarts) == 1, "that was no restart"


@pytest.mark.parametrize("start", [30.0, 30.3])
def test_processes_that_were_forked_together_are_seen(start: float) -> None:
    """What a process has counted does not fall: one that tells the same start and less is another."""
    replica = Replica(metrics(100, 30.0), 61, before={})
    replica.update(metrics(7, start), 62)
    assert replica.restarts == []
    assert replica.is_shared


@pytest.mark.parametrize("falls", [False, True])
def test_a_start_that_changes_without_a_restart_is_ignored(falls: bool) -> None:
    """The first time it may be a restart. The second time what it had counted is taken back."""
    replica = Replica(metrics(100, 30.0), 61, before={ORDER: 100})
    replica.update(metrics(110, 60.0), 62)
    assert replica.requests == {ORDER: 110}
    if falls:
        replica.update(metrics(5, 63.0), 63)
    replica.update(metrics(120, 90.0), 64)
    replica.update(metrics(130, 190.0), 65)
    assert replica.ignores_start
    assert len(replica.restarts) == falls
    assert replica.requests == {ORDER: 140 if falls else 30}


def test_a_restart_is_seen_when_starts_are_ignored() -> None:
    """By its counters; when it was, only the look tells."""
    replica = Replica(metrics(0, 30.0), 61, before={})
    for second, start in enumerate((60.0, 90.0, 120.0)):
        replica.update(metrics(10 * second, start), 62 + second)
    replica.update(metrics(3, 5.0), 70)
    assert replica.requests == {ORDER: 23}
    assert replica.restarts == [Event(name="api_restarted", at=70, last_look=64)]


def test_counters_that_change_their_names_with_each_answer_are_given_up() -> None:
    """They would fill the memory: each answer seems to be that of a new process."""
    replica = Replica(Metrics(), 50, before={})
    for second in range(100):
        names = Counter({("GET", f"/{second}/{number}", "200"): 1 for number in range(1000)})
        replica.update(Metrics(names), 51 + second)
    assert replica.fault == "more than 3,000 samples, over all its restarts"
    assert replica.restarts == []
    assert len(replica.requests) == 1000


def test_counters_that_fall_with_each_answer_are_given_up() -> None:
    """Each restart would be an event of the run."""
    replica = Replica(metrics(1), 50, before={})
    for second in range(3000):
        replica.update(metrics(second % 2), 51 + second)
    assert replica.fault == "counters that fell more than 1,000 times"
    assert replica.restarts == []

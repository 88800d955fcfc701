"""Figures are of whole seconds, and of what was sent in them: when that is answered is another matter."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from stampede.counting import figures
from stampede.counting.latency import Latencies
from stampede.counting.request import DUE, Request
from stampede.facts.figures import Failed, Figures, FromStart, Pace, Window
from tests.unit import counted
from tests.unit.counted import set_clock


@pytest.fixture
def latencies() -> Latencies:
    """A ramp, a window of two seconds, and what came when the users were to stop."""
    return counted.latencies(
        (99.9, "GET", "/products/", 900, None),
        (100.0, "GET", "/products/", 10, None),
        (100.9, "GET", "/products/", 20, None),
        (101.5, "GET", "/products/", 30, ValueError()),
        (101.9, "POST", "/orders/", 500, None),
        (102.0, "GET", "/products/", 7000, None),
        (103.4, "DELETE", "/orders/{id}", 9000, ValueError()),
        (99.9, "GET", "/health", 7, None),
    )


def window(latencies: Latencies, seconds: range, kept: Sequence[int] | None = None) -> Window:
    """The window of these seconds, all of which are kept if nothing else is said."""
    return figures.window(latencies, seconds, seconds if kept is None else kept)


def test_what_came_before_the_window_is_no_part_of_it_and_what_was_left_over_no_part_of_its_rate(
    latencies: Latencies,
) -> None:
    """Who waits for an answer when the users are to stop has sent its request before."""
    of_window = window(latencies, range(100, 102))
    assert (of_window.start, of_window.end, of_window.seconds, of_window.rps) == (100, 102, 2, 2.0)
    assert window(latencies, range(100, 103)).rps == 1.7, "5 requests in 3 seconds"
    assert of_window.by_method["GET"] == Figures(
        requests=4,
        failures=1,
        avg_ms=2343.33,
        p50_ms=20,
        p95_ms=7000,
        p99_ms=7000,
        max_ms=7000,
        from_start=None,
        failed=Failed(unanswered=1, avg_ms=30, p50_ms=30, p95_ms=30, p99_ms=30, max_ms=30),
    )
    assert (of_window.total.requests, of_window.total.failures) == (6, 2)
    assert of_window.total.max_ms == 7000
    assert of_window.total.failed is not None
    assert of_window.total.failed.max_ms == 9000


def test_what_a_wrong_clock_puts_far_behind_the_window_is_no_part_of_it(latencies: Latencies) -> None:
    """All that was sent is answered or given up within a minute."""
    assert latencies.drain_end(102) == 104
    assert latencies.drain_end(110) == 110
    assert latencies.drain_end(20) == 80


def test_times_are_of_answered_requests_and_failed_requests_have_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A refused connection is no fast answer; a 500, or what the locustfile calls a failure, is an answer."""
    set_clock(monkeypatch, SimpleNamespace(time=lambda: 100.5))
    latencies = Latencies()
    for milliseconds, exception, status in (
        (200, None, 200),
        (300, None, None),  # a client that is not HTTP
        (400, ValueError(), 500),
        (500, ValueError(), 200),
        (0.9, ConnectionError(), None),
        (0.7, ConnectionError(), 0),
    ):
        response = None if status is None else SimpleNamespace(status_code=status)
        latencies.count(Request(("GET", "/"), milliseconds, exception, response=response))
    total = window(latencies, range(100, 101)).total
    assert (total.requests, total.failures) == (6, 4)
    assert (total.avg_ms, total.p50_ms, total.max_ms) == (350, 300, 500)
    assert total.failed == Failed(unanswered=2, avg_ms=225.4, p50_ms=0.9, p95_ms=500, p99_ms=500, max_ms=500)


def test_where_nothing_was_answered_there_are_no_times(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, SimpleNamespace(time=lambda: 100.5))
    latencies = Latencies()
    latencies.count(Request(("GET", "/"), 0.9, ConnectionError(), context={DUE: 100.4}))
    total = window(latencies, range(100, 101)).total
    assert (total.avg_ms, total.p50_ms, total.p99_ms, total.max_ms) == (None, None, None, None)
    assert total.from_start is None
    assert figures.pace(latencies, range(100, 101), 1.0).late_p99_ms == 99.1, "it was sent, and late"


def test_a_request_that_was_sent_after_the_stop_is_not_in_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A task may go on until it is killed. A late answer to an earlier request counts."""
    clock = SimpleNamespace(now=100.5)
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    worker, total = Latencies(), Latencies()
    worker.count(Request(("GET", "/"), 10))
    clock.now = 101.0
    worker.stop()
    for clock.now, milliseconds, start_time in (
        (103.5, 3000.0, None),  # sent at 100.5
        (103.6, 10.0, 100.9),  # the start time counts
        (103.7, 500.0, None),
        (103.8, 10.0, 103.7),
        (103.9, None, None),
    ):
        worker.count(Request(("GET", "/"), milliseconds, start_time=start_time))
    for _ in range(2):
        report: dict[str, Any] = {}
        worker.hand_over(report)
        total.add(report)
    assert window(total, range(100, 101)).total.requests == 3
    assert total.sum([103], all_sent=True).requests == 5
    worker.clear()
    worker.count(Request(("GET", "/"), 500))
    assert worker.sum([103]).requests == 1, "the next run"


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> Latencies:
    """200 requests of one route and 40 of another in 40 seconds, each as slow as its second."""
    clock, latencies = SimpleNamespace(now=0.0), Latencies()
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    for second in range(100, 140):
        clock.now = second + 0.5
        for _ in range(5):
            latencies.count(Request(("GET", "/often"), float(second)))
        latencies.count(Request(("POST", "/rarely"), float(second)))
    clock.now = 143.0
    latencies.count(Request(("GET", "/often"), 7000.0))
    return latencies


def test_the_window_in_blocks_has_all_its_requests(steady: Latencies) -> None:
    """What was answered after the window is in the last block, and not in its rate."""
    of_window = figures.window(steady, range(100, 140), range(100, 140), with_blocks=True)
    blocks = of_window.blocks
    assert [(block.start, block.end) for block in blocks] == [(at, at + 4) for at in range(100, 140, 4)]
    assert [block.total.requests for block in blocks] == [24] * 9 + [25]
    assert {block.rps for block in blocks} == {6.0}
    assert [block.by_method["POST"].p50_ms for block in blocks] == [101 + at for at in range(0, 40, 4)]
    assert blocks[-1].total.max_ms == 7000
    assert figures.window(steady, range(100, 140), range(100, 140)).blocks == []


@pytest.mark.parametrize(("seconds", "blocks"), [(1, 0), (2, 1), (3, 1), (5, 2)])
def test_a_short_window_has_few_blocks_or_none(steady: Latencies, seconds: int, blocks: int) -> None:
    window = range(100, 100 + seconds)
    assert len(figures.window(steady, window, [*window], with_blocks=True).blocks) == blocks


def test_only_routes_with_many_requests_have_figures_in_blocks(steady: Latencies) -> None:
    """A block of the others would be of a few requests."""
    of_window = figures.window(steady, range(100, 140), range(100, 140), with_blocks=True)
    assert [[route.name for route in block.routes] for block in of_window.blocks] == [["/often"]] * 10
    assert [route.name for route in of_window.routes] == ["/often", "/rarely"]


def test_a_short_window_has_fewer_blocks(steady: Latencies) -> None:
    """Of at least two seconds each; seconds in which workers moved are in none."""
    kept = [100, 101, 102, 109, 110]
    of_window = figures.window(steady, range(100, 112), kept, with_blocks=True)
    assert [(block.start, block.end, block.total.requests) for block in of_window.blocks] == [
        (100, 102, 12),
        (102, 111, 18),
    ]


def test_seconds_in_which_workers_moved_are_not_in_the_figures(latencies: Latencies) -> None:
    """The rate is of the others alone; the window is as long as it was."""
    of_window = window(latencies, range(100, 102), [101])
    assert (of_window.seconds, of_window.moving_seconds, of_window.rps) == (2, 1, 2.0)
    assert (of_window.total.requests, of_window.by_method["GET"].requests) == (4, 2)
    assert figures.pace(latencies, [100], None).sent_rps == 2.0


def test_late_answers_are_of_the_last_second(latencies: Latencies) -> None:
    """Where workers moved in it, nobody knows of which second they are."""
    of_window = window(latencies, range(100, 102), [100])
    assert (of_window.total.requests, of_window.total.max_ms) == (2, 20)


def test_where_workers_moved_all_the_time_figures_are_of_all_seconds(latencies: Latencies) -> None:
    of_window = window(latencies, range(100, 102), [])
    assert (of_window.moving_seconds, of_window.rps, of_window.total.requests) == (2, 2.0, 6)


def test_each_route_has_its_figures_and_one_without_requests_no_times(latencies: Latencies) -> None:
    """An average of nothing would be a number that nobody measured."""
    routes = {(each.method, each.name): each for each in window(latencies, range(100, 102)).routes}
    assert routes["POST", "/orders/"].p99_ms == 500
    nothing = routes["GET", "/health"]
    assert (nothing.requests, nothing.avg_ms, nothing.p50_ms, nothing.max_ms) == (0, None, None, None)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        (100.0, 102.0, (100, 102)),
        (99.2, 102.9, (100, 102)),  # the broken ones at both ends are left out
        (100.4, 101.2, (101, 101)),  # not one whole second
    ],
)
def test_a_window_is_of_whole_seconds(start: float, end: float, seconds: tuple[int, int]) -> None:
    """Requests are stamped with theirs."""
    assert figures.whole_seconds(start, end) == seconds


def test_who_comes_late_waits_longer_than_the_service_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """98 requests in time; two were due 2 s and 5 ms before they were sent. 5 ms is nothing to speak of."""
    set_clock(monkeypatch, SimpleNamespace(time=lambda: 100.5))
    latencies = Latencies()
    for late in (*[0.0] * 98, 0.005, 2.0):
        latencies.count(Request(("GET", "/"), 10, context={DUE: 100.49 - late}, start_time=100.49))
    of_window = window(latencies, range(100, 101))
    assert of_window.total.p99_ms == of_window.total.max_ms == 10
    assert of_window.total.from_start == FromStart(p50_ms=10, p95_ms=10, p99_ms=15, max_ms=2010)
    assert figures.pace(latencies, range(100, 101), 120.0) == Pace(
        wanted_rps=120.0, sent_rps=100.0, late_p99_ms=5, waited_late=1
    )


def test_a_request_is_late_from_ten_ms_on(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, SimpleNamespace(time=lambda: 100.5))
    latencies = Latencies()
    for late in (0.0099, 0.010, 0.0101):
        latencies.count(Request(("GET", "/"), 10, context={DUE: 100.49 - late}, start_time=100.49))
    assert figures.pace(latencies, range(100, 101), None).waited_late == 2


def test_users_without_a_pace_are_never_late(latencies: Latencies) -> None:
    assert figures.pace(latencies, range(100, 102), None) == Pace(
        wanted_rps=None, sent_rps=2.0, late_p99_ms=None, waited_late=0
    )

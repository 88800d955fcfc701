"""Figures are of whole seconds, and of what was sent in them: when that is answered is another matter."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stampede.counting import figures, latency
from stampede.counting.latency import DUE, Latencies
from stampede.facts.figures import Figures, FromStart, Pace


@pytest.fixture
def latencies(monkeypatch: pytest.MonkeyPatch) -> Latencies:
    """A ramp, a window of two seconds, and what came when the users were to stop."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(latency, "time", SimpleNamespace(time=lambda: clock.now))
    latencies = Latencies()
    for clock.now, method, name, milliseconds, exception in (
        (99.9, "GET", "/products/", 900, None),
        (100.0, "GET", "/products/", 10, None),
        (100.9, "GET", "/products/", 20, None),
        (101.5, "GET", "/products/", 30, ValueError()),
        (101.9, "POST", "/orders/", 500, None),
        (102.0, "GET", "/products/", 7000, None),
        (103.4, "DELETE", "/orders/{id}", 9000, ValueError()),
        (99.9, "GET", "/health", 7, None),
    ):
        latencies.count(method, name, milliseconds, exception)
    return latencies


def test_what_came_before_the_window_is_no_part_of_it_and_what_was_left_over_no_part_of_its_rate(
    latencies: Latencies,
) -> None:
    """Who waits for an answer when the users are to stop has sent its request before."""
    window = figures.window(latencies, 100, 102)
    assert (window.start, window.end, window.seconds, window.rps) == (100, 102, 2, 2.0)
    assert window.by_method["GET"] == Figures(
        requests=4,
        failures=1,
        avg_ms=1765,
        p50_ms=20,
        p95_ms=7000,
        p99_ms=7000,
        max_ms=7000,
        from_start=None,
    )
    assert (window.total.requests, window.total.failures) == (6, 2)
    assert window.total.max_ms == 9000


def test_what_a_wrong_clock_puts_far_behind_the_window_is_no_part_of_it(latencies: Latencies) -> None:
    """All that was sent is answered or given up within a minute."""
    assert latencies.drain_end(102) == 104
    assert latencies.drain_end(110) == 110
    assert latencies.drain_end(20) == 80


def test_each_route_has_its_figures_and_one_without_requests_no_times(latencies: Latencies) -> None:
    """An average of nothing would be a number that nobody measured."""
    routes = {(each.method, each.name): each for each in figures.window(latencies, 100, 102).routes}
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
    monkeypatch.setattr(latency, "time", SimpleNamespace(time=lambda: 100.5))
    latencies = Latencies()
    for late in (*[0.0] * 98, 0.005, 2.0):
        latencies.count("GET", "/", 10, context={DUE: 100.49 - late}, start_time=100.49)
    window = figures.window(latencies, 100, 101)
    assert window.total.p99_ms == window.total.max_ms == 10
    assert window.total.from_start == FromStart(p50_ms=10, p95_ms=10, p99_ms=15, max_ms=2010)
    assert figures.pace(latencies, 100, 101, 120.0) == Pace(
        wanted_rps=120.0, sent_rps=100.0, late_p99_ms=5, waited_late=1
    )


def test_users_without_a_pace_are_never_late(latencies: Latencies) -> None:
    assert figures.pace(latencies, 100, 102, None) == Pace(
        wanted_rps=None, sent_rps=2.0, late_p99_ms=None, waited_late=0
    )

"""The routes over time are made from the counts that a run has anyway."""

from __future__ import annotations

import pytest

from stampede.counting import over_time
from stampede.counting.latency import Latencies
from stampede.counting.over_time import BOUNDS_MS, MOST_ROUTES, OTHERS, routes_over_time
from stampede.counting.request import Request
from stampede.facts.figures import RoutesOverTime
from tests.unit import counted


@pytest.fixture
def latencies() -> Latencies:
    """Of five seconds, the second of which is the first of a window of three."""
    return counted.latencies(
        (100.1, "GET", "/products/", 900.0, None),
        (101.0, "GET", "/products/", 10.0, None),
        (101.9, "GET", "/products/", 20.0, None),
        (102.5, "GET", "/products/", 30.0, ValueError()),
        (103.9, "POST", "/orders/", 500.0, None),
        (104.5, "GET", "/products/", 7000.0, None),
    )


def made(latencies: Latencies, seconds: range, window: range = range(0)) -> RoutesOverTime:
    of_run = routes_over_time(latencies, seconds, window, window)
    assert of_run is not None
    return of_run


def test_each_route_has_a_figure_for_each_second(latencies: Latencies) -> None:
    """A second without an answer has no time."""
    of_run = made(latencies, range(100, 105), range(101, 104))
    assert (of_run.start, of_run.step_s) == (100, 1)
    orders, products = of_run.routes
    assert (orders.method, orders.name, orders.requests) == ("POST", "/orders/", [0, 0, 0, 1, 0])
    assert products.requests == [1, 2, 1, 0, 1]
    assert products.failures == [0, 0, 1, 0, 0]
    assert products.p95_ms == [900, 20, None, None, 7000]
    assert products.p50_ms == [900, 10, None, None, 7000]


def test_a_distribution_is_of_the_answered_requests_of_the_window(latencies: Latencies) -> None:
    """As its other figures: what was sent in it and answered after it counts."""
    of_run = made(latencies, range(100, 105), range(101, 104))
    assert [*_bins(of_run, 1)] == [10, 20, 8000], "7,000 ms is in the bin up to 8,000 ms"
    assert [*_bins(made(latencies, range(100, 105)), 1)] == [10, 20, 1000, 8000], "without a window, of all"


def _bins(of_run: RoutesOverTime, place: int) -> list[float]:
    counts = of_run.routes[place].distribution
    assert len(counts) == len(BOUNDS_MS) + 1
    return [bound for bound, number in zip(of_run.bounds_ms, counts, strict=False) for _ in range(number)]


def test_a_long_run_of_many_routes_has_longer_steps(
    latencies: Latencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the report does not grow with the run."""
    monkeypatch.setattr(over_time, "MOST_POINTS", 4)
    of_run = made(latencies, range(100, 105))
    assert of_run.step_s == 3
    assert of_run.routes[1].requests == [4, 1]
    assert of_run.routes[1].p95_ms == [900, 7000]


def test_routes_with_few_requests_are_joined() -> None:
    latencies = Latencies()
    for number in range(MOST_ROUTES + 5):
        for _ in range(number + 1):
            latencies.count(Request(("GET", f"/{number:02}"), 5.0))
    seconds = sorted(latencies._seconds)
    of_run = made(latencies, range(seconds[0], seconds[-1] + 1))
    names = [route.name for route in of_run.routes]
    assert len(names) == MOST_ROUTES
    assert names == [*(f"/{number:02}" for number in range(6, MOST_ROUTES + 5)), OTHERS]
    assert sum(of_run.routes[-1].requests) == 1 + 2 + 3 + 4 + 5 + 6
    assert sum(of_run.routes[-1].distribution) == 21


def test_a_run_without_a_request_has_none() -> None:
    assert routes_over_time(Latencies(), range(100, 105), range(0), []) is None
    assert routes_over_time(Latencies(), range(0), range(0), []) is None

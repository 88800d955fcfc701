"""Figures are of the window: what Locust had counted before it is taken away."""

import pytest
from locust.stats import RequestStats

from stampede import figures
from stampede.figures import Look


def logged(stats: RequestStats, method: str, name: str, *times: int) -> None:
    for time in times:
        stats.log_request(method, name, time, 100)


def test_what_came_before_the_window_is_no_part_of_it() -> None:
    """Counts, averages and percentiles are of the difference."""
    stats = RequestStats()
    logged(stats, "GET", "/products/", 900, 900)
    before = figures.look(stats)
    logged(stats, "GET", "/products/", 10, 20, 30)
    stats.log_error("GET", "/products/", "GET /products/: 500")
    window = figures.since(figures.look(stats), before)
    assert window["GET", "/products/"].figures() == {
        "requests": 3,
        "failures": 1,
        "avg_ms": 20,
        "p50_ms": 20,
        "p95_ms": 30,
        "p99_ms": 30,
    }


def test_a_route_first_used_in_the_window_counts_whole() -> None:
    """It was not there at the first look."""
    stats = RequestStats()
    before = figures.look(stats)
    logged(stats, "GET", "/health", 5)
    assert figures.since(figures.look(stats), before)["GET", "/health"].requests == 1


def test_methods_are_added_up_over_their_routes() -> None:
    """GET is all GETs, POST all POSTs."""
    looks = {
        ("GET", "/a"): Look(2, 0, 20.0),
        ("GET", "/b"): Look(1, 1, 40.0),
        ("POST", "/a"): Look(1, 0, 5.0),
    }
    methods = figures.by_method(looks)
    assert methods["GET"].figures()["avg_ms"] == 20
    assert (methods["GET"].requests, methods["POST"].requests) == (3, 1)


def test_nothing_asked_has_no_percentiles() -> None:
    """An average of nothing would be a number that nobody measured."""
    assert Look().figures() == {"requests": 0, "failures": 0}


@pytest.mark.parametrize(
    ("start", "end", "rate"),
    [
        (100.0, 102.0, 15),  # two whole seconds
        (99.2, 102.9, 15),  # the broken ones at both ends are left out
        (100.4, 101.2, None),  # not one whole second
    ],
)
def test_the_rate_is_over_whole_seconds(start: float, end: float, rate: float | None) -> None:
    """Requests are stamped with their second."""
    stats = RequestStats()
    stats.total.num_reqs_per_sec = {99: 7, 100: 10, 101: 20, 102: 3}
    assert figures.rate(stats, start, end) == rate

"""How the API's own counters are read, and what is made of looks at an API that comes and goes."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from stampede.facts.event import Event
from stampede.sampling.api_metrics import Metrics, Replica, read

ORDER = ("POST", "/orders/", "201")
PAGE = ("GET", "/products/", "200")


def metrics(orders: int = 0, started: float | None = None, pages: int = 0) -> Metrics:
    return Metrics(+Counter({ORDER: orders, PAGE: pages}), started)


def test_requests_and_start_are_read() -> None:
    """Of all that an API tells, these."""
    told = read(
        "# HELP http_requests_total Requests answered\n"
        "# TYPE http_requests_total counter\n"
        'http_requests_total{method="POST",route="/orders/",status="201"} 21000.0\n'
        'http_requests_total{method="GET",route="/products/{id}",status="200"} 1.5e+06\n'
        'http_requests_created{method="GET",route="/products/{id}",status="200"} 1.79e+09\n'
        'http_request_duration_seconds_bucket{le="0.1",method="GET",route="/"} 3.0\n'
        "process_start_time_seconds 1.79536e+09\n"
    )
    assert told.requests == {ORDER: 21_000, ("GET", "/products/{id}", "200"): 1_500_000}
    assert told.started == 1.79536e9


@pytest.mark.parametrize(
    ("line", "route"),
    [
        # what may stand in a value
        (r'http_requests_total{method="GET",route="/a\"b\\c\nd",status="200"} 1', '/a"b\\c\nd'),
        (r'http_requests_total{method="GET",route="/a\\nb",status="200"} 1', r"/a\nb"),
        (r'http_requests_total{method="GET",route="/a\tb",status="200"} 1', r"/a\tb"),
        ('http_requests_total{method="GET",route="/{id}, \\"x=\\"} 5",status="200"} 1', '/{id}, "x="} 5'),
        ('http_requests_total{method="GET",route="",status="200"} 1', ""),
        # blanks, a comma at the end, a time, an exemplar, another order, other labels
        ('http_requests_total { method = "GET" , route="/", status="200", }  1  1795360000000', "/"),
        ('http_requests_total{status="200",route="/",method="GET"} 1.0 # {trace_id="a"} 1', "/"),
        ('http_requests_total{instance="a",method="GET",route="/",status="200"} 1', "/"),
    ],
)
def test_a_sample_is_read_as_prometheus_writes_it(line: str, route: str) -> None:
    """Exactly, whatever a route is called."""
    assert read(line).requests == {("GET", route, "200"): 1}


@pytest.mark.parametrize("count", ["+Inf", "NaN", "many"])
def test_a_count_that_is_no_number_is_one_error(count: str) -> None:
    """Which who asks expects."""
    with pytest.raises(ValueError, match=re.escape(count)):
        read(f'http_requests_total{{method="GET",route="/",status="200"}} {count}')


def test_samples_that_differ_in_other_labels_are_added() -> None:
    """An API may tell its processes apart; the users do not."""
    line = 'http_requests_total{{pid="{}",method="POST",route="/orders/",status="201"}} 2\n'
    assert read(line.format(1) + line.format(2)).requests == {ORDER: 4}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!doctype html><title>Welcome</title>",
        'http_requests_total{handler="/orders/",method="POST",status="2xx"} 5',
        "http_requests_total 5",
        'http_requests_total{method="POST',
        'http_requests_total_sum{method="POST",route="/",status="201"} 5',
        'process_start_time_seconds{pid="7"} 5',
    ],
)
def test_other_text_tells_nothing(text: str) -> None:
    """No error either: who knows what somebody else's API answers there."""
    assert read(text) == Metrics()


def test_what_was_counted_before_the_run_is_not_of_it() -> None:
    """The API may be as old as it likes."""
    replica = Replica(metrics(100, started=1), 50, before={ORDER: 100})
    assert replica.update(metrics(130, started=1), 51) is None
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
    events = [replica.update(look, 51 + second) for second, look in enumerate(looks[1:])]
    assert replica.requests[ORDER] == requests
    (event,) = filter(None, events)
    assert event == Event(name="api_restarted", at=looks[2].started or 52, last_look=51)


def test_two_restarts_are_two() -> None:
    """What each of the three had counted is there."""
    replica = Replica(metrics(100, 1.0), 50, before={ORDER: 100})
    assert replica.update(metrics(7, 60.0), 61)
    assert replica.update(metrics(8, 70.0), 71)
    assert replica.requests == {ORDER: 15}


def test_a_start_that_is_told_differently_by_an_instant_is_the_same() -> None:
    """Each process of an API reckons it from the machine's start, by a clock that is set."""
    replica = Replica(metrics(1, 60.0), 61, before={})
    assert replica.update(metrics(2, 60.9), 62) is None
    assert replica.update(metrics(3, 60.0), 63) is None
    assert not replica.is_shared


def test_processes_that_answer_in_turns_are_seen() -> None:
    """Behind a balancer a look meets one of several: their counts cannot be told apart."""
    replica = Replica(metrics(100, 30.0), 61, before={})
    replica.update(metrics(7, 60.0), 62)
    assert not replica.is_shared
    replica.update(metrics(101, 30.0), 63)
    assert replica.is_shared
    assert replica.update(metrics(8, 60.0), 64) is None, "that was no restart"


@pytest.mark.parametrize("start", [30.0, 30.3])
def test_processes_that_were_forked_together_are_seen(start: float) -> None:
    """What a process has counted does not fall: one that tells the same start and less is another."""
    replica = Replica(metrics(100, 30.0), 61, before={})
    assert replica.update(metrics(7, start), 62) is None
    assert replica.is_shared

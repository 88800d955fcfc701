"""Outcomes are counted by route and status, handed over once, added up."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import msgpack

from stampede.counting.outcomes import MOST_STATUSES, Outcomes
from stampede.counting.request import Request
from tests.unit.counted import set_clock
from tests.unit.counting.test_readable import Unreadable


def test_what_workers_counted_is_added_up_by_route() -> None:
    """Two workers' reports make one table; no answer is status 0."""
    total = Outcomes()
    for statuses in ([201, 201, 409], [409, None]):
        worker, report = Outcomes(), dict[str, Any]()
        for status in statuses:
            worker.count(Request(("POST", "/orders/"), response=SimpleNamespace(status_code=status)))
        worker.count(Request(("GET", "/health"), response=None))
        worker.hand_over(report)
        total.add(report)
    assert total.by_route() == {
        "GET /health": {"0": 2},
        "POST /orders/": {"0": 1, "201": 2, "409": 2},
    }


def test_nothing_is_handed_over_twice() -> None:
    """The next report begins anew."""
    worker, first, second = Outcomes(), dict[str, Any](), dict[str, Any]()
    worker.count(Request(("GET", "/health"), response=SimpleNamespace(status_code=200)))
    worker.hand_over(first)
    worker.hand_over(second)
    total = Outcomes()
    for report in (first, second):
        total.add(report)
    assert total.by_route() == {"GET /health": {"200": 1}}


def test_each_second_has_its_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the seconds and routes that are asked for."""
    clock = SimpleNamespace(now=0.0)
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    total, worker, report = Outcomes(), Outcomes(), dict[str, Any]()
    for clock.now, method, status in ((99.9, "GET", 200), (100.0, "GET", 200), (101.9, "POST", 409)):
        worker.count(Request((method, "/"), response=SimpleNamespace(status_code=status)))
    worker.hand_over(report)
    total.add(report)
    assert total.histogram(100, 102) == {200: 1, 409: 1}
    assert total.histogram(100, 102, lambda method, _: method == "POST") == {409: 1}
    assert total.histogram(102, 110) == {}


def test_refusals_that_took_more_than_a_second_are_counted() -> None:
    total, worker, report = Outcomes(), Outcomes(), dict[str, Any]()
    for milliseconds, status in ((900, 503), (1000, 503), (1001, 503), (1100, 200)):
        worker.count(Request(("GET", "/"), milliseconds, response=SimpleNamespace(status_code=status)))
    worker.hand_over(report)
    total.add(report)
    now = int(time.time())
    assert total.tally(range(now - 60, now + 1)) == (1, 3, 1)


@pytest.mark.parametrize(
    ("status", "served"), [(None, 0), (0, 0), (200, 1), (409, 1), (499, 1), (500, 0), (503, 0)]
)
def test_what_is_served_is_answered_below_500(status: int | None, served: int) -> None:
    """A request without an answer was not served."""
    worker = Outcomes()
    worker.count(Request(("GET", "/"), 5, response=SimpleNamespace(status_code=status)))
    now = int(time.time())
    assert worker.tally(range(now - 60, now + 1)).served == served


@pytest.mark.parametrize("status", ["OK", 3.5, object(), [200], {}, -1, 10**30, Unreadable()])
def test_a_client_that_is_not_http_has_no_status(status: object) -> None:
    """Locust lets a user class report any; it is sent as a worker's report."""
    total, worker, report = Outcomes(), Outcomes(), dict[str, Any]()
    worker.count(Request(("RPC", "42"), response=SimpleNamespace(status_code=status)))
    worker.count(Request(("RPC", "42"), response=SimpleNamespace(status_code=200)))
    worker.hand_over(report)
    total.add(msgpack.decode(msgpack.encode(report), strict=False))
    assert total.by_route() == {"RPC 42": {"0": 1, "200": 1}}


def test_a_request_counts_whatever_its_time_and_its_response_are() -> None:
    total, worker, report = Outcomes(), Outcomes(), dict[str, Any]()
    for time_ms in (None, "12", float("nan"), 5_000):
        worker.count(Request(("GET", "/"), time_ms, response=SimpleNamespace(status_code=503)))
    worker.count(Request(("RPC", "/"), 10, response=Unreadable()))
    worker.hand_over(report)
    total.add(msgpack.decode(msgpack.encode(report), strict=False))
    assert total.by_route() == {"GET /": {"503": 4}, "RPC /": {"0": 1}}
    now = int(time.time())
    assert total.tally(range(now - 60, now + 1)).refused_late == 1


def test_an_answer_to_a_request_sent_after_the_stop_is_of_the_run_but_not_of_the_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SimpleNamespace(now=100.0)
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    total, worker, report = Outcomes(), Outcomes(), dict[str, Any]()
    worker.stop()
    for clock.now, milliseconds, start_time in (
        (103.0, 5_000.0, None),
        (103.1, 5.0, 99.0),
        (103.2, 5.0, None),
    ):
        answer = SimpleNamespace(status_code=200)
        worker.count(Request(("GET", "/"), milliseconds, response=answer, start_time=start_time))
    worker.hand_over(report)
    total.add(report)
    assert total.histogram(100, 110) == {200: 2}
    assert total.histogram(100, 110, all_sent=True) == {200: 3}
    assert total.by_route() == {"GET /": {"200": 3}}
    worker.clear()
    worker.count(Request(("GET", "/"), 5, response=SimpleNamespace(status_code=200)))
    assert worker.histogram(100, 110) == {200: 1}, "the next run"


@pytest.mark.parametrize("reports", [1, 50])
def test_statuses_beyond_the_limit_are_counted_by_their_class(reports: int) -> None:
    """An API can answer each request with another status; a client must take 487 as 400 (RFC 9110, 15)."""
    total, worker = Outcomes(), Outcomes()
    for number in range(reports):
        report: dict[str, Any] = {}
        for status in [200, None, *range(300, 999)]:
            worker.count(Request(("GET", "/"), response=SimpleNamespace(status_code=status)))
        worker.hand_over(report)
        total.add(msgpack.decode(msgpack.encode(report), strict=False))
        assert total.by_route()["GET /"]["200"] == number + 1
    statuses = total.by_route()["GET /"]
    assert sum(statuses.values()) == reports * 701
    assert statuses["0"] == reports, "an answer never becomes a request without an answer"
    assert set(statuses) == {
        *map(str, (0, 200, *range(300, 300 + MOST_STATUSES - 2))),
        *map(str, range(400, 1000, 100)),
        "300",
    }


def test_a_low_status_beyond_the_limit_is_still_an_answer() -> None:
    total = Outcomes()
    for status in [*range(1000, 1000 + MOST_STATUSES), 7]:
        total.count(Request(("WS", "/"), response=SimpleNamespace(status_code=status)))
    assert total.by_route()["WS /"]["7"] == 1

"""Times are counted by second and route to three digits, handed over once, added up."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from locust.rpc import Message

from stampede.counting.buckets import rounded
from stampede.counting.latency import Latencies, mean, percentile, requests_in
from stampede.counting.request import DUE, Request
from tests.unit.counted import set_clock
from tests.unit.counting.test_readable import Unreadable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=1000.0)
    clock.time = lambda: clock.now
    set_clock(monkeypatch, clock)
    return clock


def handed_over(worker: Latencies) -> dict[str, Any]:
    """A report, as it comes out at the other end of the wire."""
    report: dict[str, Any] = {}
    worker.hand_over(report)
    data: dict[str, Any] = Message.unserialize(Message("stats", report, "w").serialize()).data
    return data


@pytest.mark.parametrize(
    ("milliseconds", "kept"),
    [
        (0, 0),
        (-0.1, 0),  # a clock that was set back
        (0.04, 0),
        (4.26, 4.3),
        (99.94, 99.9),
        (99.96, 100),
        (147.4, 147),
        (499.6, 500),  # stock Locust says so of 495
        (999.4, 999),
        (999.6, 1000),
        (1234, 1230),
        (58760, 58800),
        (3_600_000, 3_600_000),
        (1e300, 1e9),  # a bucket has 16 bits
        (float("inf"), 1e9),
        (float("nan"), 0),
    ],
)
def test_a_time_keeps_three_digits(milliseconds: float, kept: float) -> None:
    """Below 100 ms a tenth of a ms."""
    assert rounded(milliseconds) == pytest.approx(kept)


def test_what_workers_counted_is_added_up_by_second_and_route(clock: SimpleNamespace) -> None:
    """Two workers' reports make one table."""
    total = Latencies()
    for times in ((5, 7), (300,)):
        worker = Latencies()
        clock.now = 1000.9
        for milliseconds in times:
            worker.count(Request(("GET", "/a"), milliseconds))
        clock.now = 1001.1
        worker.count(Request(("POST", "/b"), 20, exception=ValueError()))
        total.add(handed_over(worker))
    assert total.routes() == [("GET", "/a"), ("POST", "/b")]
    assert total.sum([1000]).times.histogram() == {5: 1, 7: 1, 300: 1}
    assert total.sum([1001]).times.histogram() == {}, "no answer"
    assert total.sum([1001]).failed.histogram() == {20: 2}
    assert (total.sum([1001]).unanswered, total.sum([1000]).unanswered) == (2, 0)
    assert total.grouped(range(1000, 1002), lambda route: route[0])["GET"].times.histogram() == {
        5: 1,
        7: 1,
        300: 1,
    }
    assert (total.sum(range(1000, 1002)).requests, total.sum(range(1000, 1002)).failures) == (5, 2)
    assert total.sum(range(0, 1000)).times.histogram() == {}
    assert (total.total_requests, total.total_failures) == (5, 2)


@pytest.mark.usefixtures("clock")
def test_the_total_is_of_all_requests_also_of_those_after_the_stop() -> None:
    worker, total = Latencies(), Latencies()
    worker.count(Request(("GET", "/"), 1))
    worker.count(Request(("GET", "/"), 1))
    worker.stop()
    worker.count(Request(("GET", "/"), None, ValueError(), start_time=1000.5))
    assert (worker.total_requests, worker.total_failures) == (3, 1)
    report = handed_over(worker)
    total.add(report)
    assert (total.total_requests, total.total_failures) == (3, 1)
    assert total.sum([1000]).requests == 2
    assert requests_in(report) == 3, "so many are missing if it is lost"
    assert (worker.total_requests, worker.total_failures) == (0, 0)


@pytest.mark.usefixtures("clock")
def test_nothing_is_handed_over_twice() -> None:
    """The next report begins anew."""
    worker, total = Latencies(), Latencies()
    worker.count(Request(("GET", "/"), 1))
    for report in (handed_over(worker), handed_over(worker)):
        total.add(report)
    assert total.sum([1000]).requests == 1


@pytest.mark.usefixtures("clock")
def test_a_request_that_was_sent_late_took_longer_from_when_it_was_due() -> None:
    """Due at 997.5, sent at 999.5, answered after half a second: somebody would have waited for 2.5 s."""
    latencies = Latencies()
    latencies.count(Request(("GET", "/"), 500, context={DUE: 997.5}, start_time=999.5))
    latencies.count(
        Request(("GET", "/"), 300, context={DUE: None}, start_time=999.7)
    )  # next of the same task
    latencies.count(Request(("GET", "/"), 100, context={}, start_time=999.9))  # of a user without a pace
    assert latencies.sum([1000]).times.histogram() == {500: 1, 300: 1, 100: 1}
    assert latencies.sum([1000]).from_start.histogram() == {2500: 1, 300: 1}
    assert latencies.sum([1000]).late.histogram() == {2000: 1}


@pytest.mark.usefixtures("clock")
def test_a_user_who_wakes_up_early_is_not_late() -> None:
    """From the start is never less than the service time; without a start time it is reckoned."""
    latencies = Latencies()
    latencies.count(Request(("GET", "/"), 500, context={DUE: 999.6}))
    assert latencies.sum([1000]).from_start.histogram() == {500: 1}


@pytest.mark.usefixtures("clock")
def test_a_request_without_a_time_is_a_request() -> None:
    latencies = Latencies()
    latencies.count(Request(("EVENT", "something"), None))
    assert latencies.sum([1000]).requests == 1
    assert latencies.sum([1000]).times.histogram() == {}


@pytest.mark.parametrize(
    ("histogram", "share", "milliseconds"),
    [
        ({}, 0.5, None),
        ({7: 1}, 0.99, 7),
        ({1: 50, 2: 45, 3: 5}, 0.5, 1),
        ({1: 50, 2: 45, 3: 5}, 0.95, 2),
        ({1: 50, 2: 45, 3: 5}, 0.951, 3),
        (dict.fromkeys(range(1, 21), 1), 0.95, 19),
        ({1: 99, 2000: 1}, 1, 2000),
    ],
)
def test_a_percentile_is_a_time_that_was_measured(
    histogram: dict[float, int], share: float, milliseconds: float | None
) -> None:
    """The least that so many requests did not exceed."""
    assert percentile(histogram, share) == milliseconds


def test_the_mean_is_of_all_requests() -> None:
    assert mean({1: 3, 5: 1}) == 2
    assert mean({}) is None


@pytest.mark.parametrize(
    "time", [None, float("nan"), float("inf"), -3.0, -1, "12", Decimal(12), object(), [12]]
)
@pytest.mark.usefixtures("clock")
def test_a_request_counts_whatever_its_time_is(time: Any) -> None:
    """The time does not, where it is no time: answered, failed, paced, and after the stop."""
    worker, total = Latencies(), Latencies()
    worker.count(Request(("GET", "/"), time))
    worker.count(Request(("GET", "/"), time, ValueError(), {DUE: 999.0}, start_time=time))
    worker.stop()
    worker.count(Request(("GET", "/"), time, start_time=time))
    total.add(handed_over(worker))
    everything = total.sum([1000], all_sent=True)
    assert (everything.requests, everything.failures) == (3, 1)
    assert everything.times.histogram() == everything.failed.histogram() == {}


@pytest.mark.parametrize("time", [12, 12.04, True, 10**400, 1e300])
@pytest.mark.usefixtures("clock")
def test_a_number_is_a_time_however_large(time: Any) -> None:
    worker, total = Latencies(), Latencies()
    worker.count(Request(("GET", "/"), time))
    total.add(handed_over(worker))
    assert total.sum([1000]).times.histogram() == {min(1e9, round(time)): 1}


@pytest.mark.parametrize("context", [None, 5, "text", [DUE], {}, {"id": 7}, Unreadable()])
@pytest.mark.usefixtures("clock")
def test_a_request_counts_whatever_its_context_is(context: Any) -> None:
    latencies = Latencies()
    latencies.count(Request(("GET", "/"), 10, context=context))
    assert latencies.sum([1000]).times.histogram() == {10: 1}
    assert latencies.sum([1000]).late.histogram() == {}


def test_a_run_without_a_request_drains_at_once() -> None:
    """Such as one whose users cannot begin: it has a verdict all the same."""
    assert Latencies().drain_end(102) == 102

"""Targets are measured over whole seconds: what was asked, where it was worst, and what nobody can know."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from stampede.counting.request import DUE
from stampede.facts.samples import Samples
from stampede.facts.target import Figure, Kind, MeasuredTarget, Reading, Routes, Target
from stampede.targets import parser
from stampede.targets.evidence import Evidence
from stampede.targets.measuring import measure, results
from tests.facts import make
from tests.unit.counted import Shop

WINDOW = range(1000, 1030)
OR_OF_CORES = ", or of how many cores it may use: set a CPU limit for it"


def target(text: str) -> Target:
    (found,) = parser.parse(text)
    return found


def evidence(shop: Shop, **samples: Any) -> Evidence:
    return Evidence(shop.counts, lambda: make(Samples, **samples), cores=lambda: 2)


@pytest.fixture(scope="module")
def shop() -> Shop:
    """Thirty seconds of a shop; before and after them it is slow and broken, which is nobody's business."""
    shop = Shop()
    for outside in (range(990, 1000), range(1030, 1035)):
        shop.answers(outside, "GET /products/", [9000] * 9, status=500)
    shop.answers(WINDOW, "GET /products/", [10, 20, 30])
    shop.answers(WINDOW, "POST /orders/", [40, 50], status=201)
    shop.answers(WINDOW, "POST /orders/", [5], status=409)
    shop.answers(range(1010, 1013), "POST /orders/", [2000], status=503)
    shop.answers([1005], "GET /summary", [80])
    shop.answers([990], "GET /docs", [7])
    return shop


@pytest.mark.parametrize(
    ("text", "actual", "count"),
    [
        ("rps >= 1", 184 / 30, 184),
        ("rps of GET >= 1", 91 / 30, 91),
        ("avg < 1s", (30 * (60 + 95) + 6000 + 80) / 184, 184),
        ("GET avg < 1s", (30 * 60 + 80) / 91, 91),
        ("GET/POST max < 1s", 2000, 184),
        ("POST min < 1s", 5, 93),
        ("p50 of GET /products < 1s", 20, 90),
        ("p95 of POST /orders/ < 1s", 50, 93),
        ("complex avg < 1s", 80, 1),
        ("errors < 1%", 100 * 3 / 184, 184),
        ("errors = 0", 3, 184),
        ("errors of GET = 0", 0, 91),
        ("5xx = 0", 3, 184),
        ("503 < 1%", 100 * 3 / 184, 184),
        ("4xx of POST < 1%", 100 * 30 / 93, 93),
        # a sold-out 409 is an answer, but no order
        ("goodput of orders >= 1", 2, 93),
    ],
)
def test_a_figure_is_of_the_window(shop: Shop, text: str, actual: float, count: int) -> None:
    """To six digits; what came before and after it is no part of it."""
    reading = measure(target(text), evidence(shop), WINDOW)
    assert reading.actual == pytest.approx(actual, rel=1e-5)
    assert reading.count == count


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("p95 of GET /nowhere < 1s", "no request to GET /nowhere in this run"),
        ("rps of PUT >= 1", "no request to PUT in this run"),
        ("avg of /docs < 1s", "no request in that time"),
        ("p99 of POST < 1s", "93 requests only: too few for a p99, which takes 100"),
        ("p95 from start < 1s", "no request of a paced user in that time"),
        ("avg < 1s for 31s", "the window has 30 whole seconds: too few for it"),
        ("p99 < 1s for 10s", "64 requests only: too few for a p99, which takes 100"),
        ("stable of /summary", "1 request only: too few for two p95"),
        ("cpu of api < 1%", f"there is no measurement of the cpu of api{OR_OF_CORES}"),
        (
            "memory of api < 1%",
            "there is no measurement of the memory of api: it has no memory limit, write the target in MB",
        ),
        ("memory of postgres < 400MB", "there is no measurement of the memory of postgres"),
        ("connections of postgres < 80%", "there is no measurement of the connections of postgres"),
    ],
)
def test_what_cannot_be_measured_says_why(shop: Shop, text: str, detail: str) -> None:
    """It was promised, and is neither met nor missed."""
    reading = measure(target(text), evidence(shop, api=[{"second": 1000, "memory_mb": 9}]), WINDOW)
    assert (reading.actual, reading.detail) == (None, detail)


def test_a_window_of_one_second_is_measured(shop: Shop) -> None:
    assert measure(target("rps >= 1"), evidence(shop), range(1000, 1001)) == Reading(6.0, 6, "6 requests")


def test_without_data_nothing_was_counted(shop: Shop) -> None:
    for text in ("rps of PUT >= 1", "cpu of api < 90%"):
        assert measure(target(text), evidence(shop), WINDOW).count == 0


def test_goodput_is_of_answers_from_200_to_399() -> None:
    """An error of the client is no good answer either, nor is what comes before the answer itself."""
    shop = Shop()
    for status in (199, 200, 399, 400, 499):
        shop.answers(WINDOW, "GET /", [10], status=status)
    assert measure(target("goodput >= 1/s"), evidence(shop), WINDOW).actual == 2


@pytest.mark.parametrize(("text", "actual"), [("503 = 0", 1), ("500 = 0", 2), ("5xx = 0", 3), ("4xx = 0", 0)])
def test_a_status_is_itself_and_a_class_all_of_its_statuses(text: str, actual: float) -> None:
    """Others of its class are none of it."""
    shop = Shop()
    shop.answers([1000, 1001], "GET /", [10], status=500)
    shop.answers([1002], "GET /", [10], status=503)
    assert measure(target(text), evidence(shop), WINDOW).actual == actual


def test_without_a_window_nothing_is_measured(shop: Shop) -> None:
    reading = measure(target("rps >= 1"), evidence(shop), range(0))
    assert (reading.actual, reading.detail) == (None, "the window has 0 whole seconds: too few for it")
    assert measure(target("rps >= 1 for 5s"), evidence(shop), []).detail == reading.detail


@pytest.mark.parametrize(
    ("text", "actual"),
    [("p50 < 1s", 100), ("p95 < 1s", 190), ("p99 < 1s", 198), ("p90 < 1s for 1s", 180), ("min < 1s", 1)],
)
def test_a_percentile_is_the_one_that_was_asked_for(text: str, actual: float) -> None:
    shop = Shop()
    shop.answers([1000], "GET /", range(1, 201))
    assert measure(target(text), evidence(shop), range(1000, 1001)).actual == actual


def test_for_some_seconds_takes_the_worst_of_them(shop: Shop) -> None:
    """Of any so many in a row, whichever side is the wrong one."""
    slow = measure(target("POST avg < 1s for 3s"), evidence(shop), WINDOW)
    assert slow.actual == pytest.approx((3 * 95 + 6000) / 12)
    assert measure(target("rps >= 1 for 5s"), evidence(shop), WINDOW).actual == 6
    assert measure(target("rps <= 1 for 3s"), evidence(shop), WINDOW).actual == 7
    assert measure(target("5xx = 0 for 2s"), evidence(shop), WINDOW).actual == 2


@pytest.mark.parametrize(
    ("text", "in_time", "with_the_late"),
    [
        ("GET p95 < 1s", 10, 9000),
        ("GET max < 1s for 5s", 10, 9000),
        ("stable", 0, 89900),
        ("errors < 1%", 0, 100 * 20 / 320),
        ("5xx = 0", 0, 20),
        ("rps >= 1", 10, 10),
        ("goodput >= 1/s", 10, 10),
        ("rps >= 1 for 5s", 10, 10),
    ],
)
def test_an_api_that_freezes_until_the_end_was_slow(text: str, in_time: float, with_the_late: float) -> None:
    """What was sent in the window and answered after it was sent in it; a rate is of its seconds alone."""
    shop = Shop()
    shop.answers(WINDOW, "GET /", [10] * 10)
    shop.answers([1038], "GET /", [9000] * 20, status=503)
    assert measure(target(text), evidence(shop), WINDOW).actual == pytest.approx(in_time)
    (result,) = results([target(text)], evidence(shop), WINDOW, WINDOW, None)
    assert result.reading is not None
    assert result.reading.actual == pytest.approx(with_the_late, rel=1e-5)


def test_late_answers_count_in_the_last_second() -> None:
    """With the few requests of that second, not with the many of any other."""
    shop = Shop()
    shop.answers(range(1000, 1020), "GET /", [10] * 90)
    shop.answers(range(1020, 1029), "GET /", [10] * 45)
    shop.answers([1029], "GET /", [10] * 10)
    shop.answers([1038], "GET /", [9000] * 10, status=503)
    (result,) = results([target("errors < 1% for 2s")], evidence(shop), WINDOW, WINDOW, None)
    assert result.reading == Reading(15.3846, 65, "65 requests")


def test_every_route_is_as_good_as_the_worst(shop: Shop) -> None:
    """Named; one that was not asked in the window has no times."""
    reading = measure(target("every route avg < 1s"), evidence(shop), WINDOW)
    assert reading.detail == "the worst of 3: POST /orders/, 93 requests"
    assert reading.actual == pytest.approx((30 * 95 + 6000) / 93, rel=1e-5)


@pytest.mark.parametrize(
    ("text", "actual"),
    [
        ("every route rps >= 1", 0),
        ("every route goodput >= 1", 0),
        # the few seconds in which it was silent, and those in which it was not
        ("every route rps >= 1 for 10s", 0),
        ("every route rps <= 5 for 10s", 3.3),
        ("every route max < 1s", 2000),
        ("every route max < 9s for 10s", 2000),
        ("every route errors = 0", 3),
    ],
)
def test_of_rates_a_silent_route_has_the_lowest(shop: Shop, text: str, actual: float) -> None:
    """GET /docs was asked before the window only; a target of it alone is not met either."""
    reading = measure(target(text), evidence(shop), WINDOW)
    assert reading.actual == actual
    assert ("GET /docs" in reading.detail) is (actual == 0)
    assert measure(target("rps of GET /docs >= 1"), evidence(shop), WINDOW).actual == 0


def test_of_a_route_that_is_rarely_asked_the_slowest_request_counts(shop: Shop) -> None:
    """Within the limit any percentile is; beyond it nobody knows."""
    met = measure(target("every route p95 < 100ms"), evidence(shop), WINDOW)
    assert (met.actual, met.detail) == (80, "the worst of 3: GET /summary, the slowest of 1 request")
    unknown = measure(target("every route p95 < 70ms"), evidence(shop), WINDOW)
    assert unknown.actual is None
    assert unknown.detail.endswith("GET /summary, 1 request only: too few for a p95, which takes 20")
    missed = measure(target("every route p95 < 45ms"), evidence(shop), WINDOW)
    assert (missed.actual, missed.detail) == (50, "the worst of 3: POST /orders/, 93 requests")


def test_a_few_fast_requests_do_not_excuse_a_slow_one() -> None:
    """Of too few requests for a percentile, the slowest must be within the limit."""
    shop = Shop()
    shop.answers(WINDOW, "GET /a", [10])
    shop.answers([1000], "GET /b", [10, 200])
    reading = measure(target("every route p95 < 100ms"), evidence(shop), WINDOW)
    assert reading.actual is None
    assert reading.detail.endswith("GET /b, 2 requests only: too few for a p95, which takes 20")


def test_a_route_beyond_the_limit_is_worse_than_one_that_is_not_known() -> None:
    """Also where the limit is a lower one."""
    shop = Shop()
    shop.answers(WINDOW, "GET /a", [10])
    shop.answers([1000], "GET /b", [5])
    reading = measure(target("every route p95 > 45ms"), evidence(shop), WINDOW)
    assert (reading.actual, reading.detail) == (10, "the worst of 2: GET /a, 30 requests")


def test_of_an_exact_number_the_worst_is_the_farthest_from_it() -> None:
    """Whether it is too low or too high."""
    shop = Shop()
    shop.answers(range(1000, 1006), "GET /a", [10], status=404)
    shop.answers([1000], "GET /b", [10])
    reading = measure(target("every route 404 = 5"), evidence(shop), WINDOW)
    assert (reading.actual, reading.detail) == (0, "the worst of 2: GET /b, 1 request")


def test_where_no_route_was_asked_in_the_window_no_figure_is_known() -> None:
    shop = Shop()
    shop.answers([990], "GET /a", [10])
    shop.answers([991], "GET /b", [10])
    reading = measure(target("every route p95 < 1s"), evidence(shop), WINDOW)
    assert reading == Reading(None, 0, "no request in that time")


def test_from_the_start_counts_what_somebody_waited_who_came_in_time() -> None:
    """A request that was due a second before it was sent took a second more."""
    shop = Shop()
    shop.answers([1000], "GET /", [100] * 20, context={DUE: 999.4}, start_time=1000.4)
    assert measure(target("p95 < 1s"), evidence(shop), WINDOW).actual == 100
    assert measure(target("p95 from start < 1s"), evidence(shop), WINDOW).actual == 1100


@pytest.mark.parametrize(("last", "growth"), [(20, 0), (24, 20), (15, -25), (60, 200)])
def test_stable_is_by_how_much_the_last_third_is_slower(last: float, growth: float) -> None:
    """The p95 of both; what is in between does not matter."""
    shop = Shop()
    shop.answers(range(1000, 1010), "GET /", [20] * 3)
    shop.answers(range(1010, 1020), "GET /", [900] * 3)
    shop.answers(range(1020, 1030), "GET /", [last] * 3)
    reading = measure(target("stable"), evidence(shop), WINDOW)
    assert (reading.actual, reading.count) == (growth, 60)
    assert reading.detail == f"p95 20 ms in the first third, {last} ms in the last"


@pytest.mark.parametrize(
    ("first", "before", "after", "growth"),
    [(20, 10, 15, 50), (19, 10, 15, None), (20, 0, 0.2, 100), (20, 30, 40, 33.3)],
)
def test_stable_takes_twenty_requests_a_third(
    first: int, before: float, after: float, growth: float | None
) -> None:
    """A p95 of fewer is that of one request. Times below 0.1 ms count as 0.1 ms."""
    shop = Shop()
    shop.answers([1000], "GET /", [0, 0, *[before] * (first - 2)])
    shop.answers([1029], "GET /", [after] * 20)
    assert measure(target("stable"), evidence(shop), WINDOW).actual == growth


def test_what_ended_the_run_stays_as_it_was_then(shop: Shop) -> None:
    """However it looks when the run is over; the others are measured."""
    both = parser.parse("p95 < 9s for 3s, abort, rps >= 1")
    then = Reading(9999, 50, "50 requests")
    ended, other = results(both, evidence(shop), WINDOW, WINDOW, (both[0], then))
    assert ended == MeasuredTarget(both[0], then, aborted=True)
    assert other == MeasuredTarget(both[1], Reading(6.13333, 184, "184 requests"))


def test_a_result_says_what_was_asked(shop: Shop) -> None:
    """And what there was: all that a judge, or a report, has to know."""
    (result,) = results([target("5xx of POST = 0")], evidence(shop), WINDOW, WINDOW, None)
    assert result == MeasuredTarget(
        Target("5xx of POST", Figure(Kind.STATUS, "5xx", Routes(("POST",))), "=", 0.0, ""),
        Reading(3.0, 93, "93 requests"),
    )


def test_where_nothing_was_asked_nothing_is_none() -> None:
    """No error among no requests is what a target that answers nobody shows too."""
    shop = Shop()
    shop.answers([990], "GET /", [5] * 9)
    for text in ("errors = 0", "5xx = 0", "errors < 1%"):
        reading = measure(target(text), evidence(shop), WINDOW)
        assert (reading.actual, reading.detail) == (None, "no request in that time")


@pytest.mark.parametrize("text", ["every route p99 < 100ms", "every route p99 < 100ms for 5s"])
def test_routes_of_none_of_which_enough_is_known_are_unknown(text: str) -> None:
    """Also one that began to be asked late."""
    shop = Shop()
    shop.answers(range(1010, 1020), "GET /a", [500])
    shop.answers(range(1015, 1020), "GET /b", [500])
    reading = measure(target(text), evidence(shop), WINDOW)
    assert reading.actual is None
    assert "the worst of 2: GET /a" in reading.detail


@pytest.mark.parametrize("times", [[9000], [5, 9000]])
def test_seconds_in_which_little_was_answered_slowly_are_not_left_out(times: list[float]) -> None:
    """Too few for a percentile, and too slow for any: what was fast before says nothing of them."""
    shop = Shop()
    shop.answers(range(1000, 1015), "GET /", [5] * 2000)
    shop.answers(range(1015, 1030), "GET /", times)
    reading = measure(target("p99 < 2s for 10s"), evidence(shop), WINDOW)
    assert (reading.actual, reading.count) == (None, 10 * len(times))
    assert measure(target("p99 < 10s for 10s"), evidence(shop), WINDOW).actual == 5


def test_seconds_beyond_the_limit_are_worse_than_seconds_of_which_too_little_is_known() -> None:
    """The target is missed, whatever is not known."""
    shop = Shop()
    shop.answers(range(1000, 1015), "GET /", [3000] * 20)
    shop.answers(range(1015, 1030), "GET /", [9000])
    reading = measure(target("p99 < 2s for 10s"), evidence(shop), WINDOW)
    assert reading.actual is not None
    assert reading.actual >= 3000


def test_times_are_of_answered_requests() -> None:
    """A refused connection is not a fast answer; an answer that failed is one all the same."""
    shop = Shop()
    shop.answers(WINDOW, "GET /", [0.9] * 9, status=0, exception=ConnectionError())
    shop.answers(WINDOW, "GET /", [400])
    shop.answers(WINDOW, "GET /", [600], status=500)
    for text, actual in (
        ("avg < 1s", 500),
        ("max < 1s", 600),
        ("min < 1s for 5s", 400),
        ("errors < 1%", 90.9091),
    ):
        assert measure(target(text), evidence(shop), WINDOW).actual == actual


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("p95 < 300ms", 1_240),
        ("avg of GET / < 300ms", 1_240),
        ("p95 from start < 1s", 1_240),
        ("max < 1s for 5s", 280),
    ],
)
def test_where_nothing_was_answered_no_time_is_measured(text: str, failed: int) -> None:
    """Whatever the time of a failure is, it is no answer's."""
    shop = Shop()
    shop.answers(range(1000, 1020), "GET /", [0.9] * 34, status=0, exception=ConnectionError())
    shop.answers(range(1020, 1030), "GET /", [0.9] * 56, status=0, exception=ConnectionError())
    reading = measure(target(text), evidence(shop), WINDOW)
    whose = " of a paced user" if "from start" in text else ""
    assert (reading.actual, reading.detail) == (None, f"no request{whose} was answered: {failed:,} failed")


def test_a_route_of_which_no_request_was_answered_is_not_left_out() -> None:
    shop = Shop()
    shop.answers(WINDOW, "GET /a", [10])
    shop.answers(WINDOW, "GET /b", [0.9], status=0, exception=ConnectionError())
    reading = measure(target("every route p95 < 300ms"), evidence(shop), WINDOW)
    assert (reading.actual, reading.detail) == (
        None,
        "the worst of 2: GET /b, no request was answered: 30 failed",
    )


def test_seconds_in_which_no_request_was_answered_are_not_left_out() -> None:
    """The rest of the window says nothing of them."""
    shop = Shop()
    shop.answers(range(1000, 1020), "GET /", [10] * 9)
    shop.answers(range(1020, 1030), "GET /", [0.9], status=0, exception=ConnectionError())
    reading = measure(target("max < 1s for 5s"), evidence(shop), WINDOW)
    assert (reading.actual, reading.detail) == (None, "no request was answered: 5 failed")


def test_a_request_that_was_sent_after_the_stop_is_in_no_target() -> None:
    shop = Shop()
    shop.answers(WINDOW, "GET /", [10])
    with patch("stampede.counting.latency.time", SimpleNamespace(time=lambda: 1030.2)):
        shop.counts.latencies.stop()
    with patch("stampede.counting.outcomes.time", SimpleNamespace(time=lambda: 1030.2)):
        shop.counts.outcomes.stop()
    shop.answers([1032], "GET /", [900] * 30, status=500)
    for text, actual in (("max < 1s", 10), ("errors = 0", 0), ("5xx = 0", 0)):
        (result,) = results([target(text)], evidence(shop), WINDOW, WINDOW, None)
        assert result.reading is not None
        assert (result.reading.actual, result.reading.count) == (actual, 30)


MOVING = range(1010, 1016)
KEPT = [second for second in WINDOW if second not in MOVING]
"""The window without the seconds in which workers joined or left."""


@pytest.fixture(scope="module")
def scaled() -> Shop:
    """Slow, failing and busy while workers join; else 10 answers a second, slower after the others came."""
    shop = Shop()
    shop.answers(range(1000, 1010), "GET /", [10] * 10)
    shop.answers(MOVING, "GET /", [1_060] * 20, status=503)
    shop.answers(range(1016, 1030), "GET /", [20] * 10)
    shop.answers([1033], "GET /", [500] * 2)
    return shop


@pytest.mark.parametrize(
    ("text", "actual", "detail"),
    [
        ("rps >= 1", 10, "240 requests"),
        ("goodput >= 1/s", 10, "240 requests"),
        ("p95 < 1s", 20, "242 requests"),
        ("errors = 0", 0, "242 requests"),
        ("5xx = 0", 0, "242 requests"),
        ("cpu of api < 90%", 5, "24 samples"),
        # the last second has the late answers
        ("max < 1s for 10s", 500, "102 requests"),
        ("rps >= 1 for 10s", 10, "100 requests"),
        ("503 = 0 for 14s", 0, "142 requests"),
        ("stable", 100, "p95 10 ms in the first third, 20 ms in the last"),
    ],
)
def test_seconds_in_which_workers_joined_are_in_no_target(
    scaled: Shop, text: str, actual: float, detail: str
) -> None:
    """VALID does not judge them either. A span of seconds in a row does not reach over them."""
    rows = [{"second": second, "cpu_percent": 200.0 if second in MOVING else 10.0} for second in WINDOW]
    of_shop = evidence(scaled, api=rows)
    (result,) = results([target(text)], of_shop, WINDOW, KEPT, None)
    assert result.reading is not None
    assert (result.reading.actual, result.reading.detail) == (actual, detail)


@pytest.mark.parametrize(
    ("text", "kept", "why"),
    [
        ("p95 < 1s for 15s", KEPT, "workers joined or left in 6 s of the window: 14 s in a row are left"),
        ("p95 < 1s", KEPT[:4], "workers joined or left in 26 s of the window: 4 s are left"),
        ("rps >= 1", [], "workers joined or left in 30 s of the window: 0 s are left"),
        ("rps >= 1 for 5s", [], "workers joined or left in 30 s of the window: 0 s in a row are left"),
        ("stable", [], "workers joined or left in 30 s of the window: 0 s are left"),
        ("cpu of api < 90%", [], "workers joined or left in 30 s of the window: 0 s are left"),
    ],
)
def test_too_few_seconds_without_moves_measure_nothing(
    scaled: Shop, text: str, kept: list[int], why: str
) -> None:
    (result,) = results(
        [target(text)], evidence(scaled, api=[{"second": 1000, "cpu_percent": 1.0}]), WINDOW, kept, None
    )
    assert result.reading == Reading(None, 0, f"{why}, too few for it")


def test_five_seconds_without_moves_are_enough(scaled: Shop) -> None:
    (result,) = results([target("rps >= 1")], evidence(scaled), WINDOW, KEPT[:5], None)
    assert result.reading == Reading(10.0, 50, "50 requests")


def test_late_answers_do_not_count_where_the_last_second_does_not(scaled: Shop) -> None:
    (result,) = results([target("max < 1s")], evidence(scaled), WINDOW, KEPT[:-1], None)
    assert result.reading is not None
    assert result.reading.actual == 20

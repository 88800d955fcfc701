"""More is asked for than can be served: who could not begin is told so soon, probes are answered, and all of
it is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg2
import pytest

from tests.checkout import wait_until
from tests.integration.databases import TestDatabase
from tests.integration.servers import Answer, Api
from tests.integration.test_monitoring import counted

ORDER = {"product_id": 5, "quantity": 1}
#: Bytes: more than a request may have.
TOO_LONG = str(17 * 1024 * 1024)
AT_WORK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture
def small_api(start_api: Callable[..., Api], database: TestDatabase) -> Api:
    """It works at two requests at once."""
    return start_api(database.url(), API_THREADS="2")


@contextmanager
def busy(api: Api, database: TestDatabase) -> Iterator[list[Future[Answer]]]:
    """Both places are taken by orders that go on when the block is left. They are bulk calls, which may wait
    for nine seconds: any other gives up after one."""
    database.query("ALTER FUNCTION place_orders SET lock_timeout = '9s'")
    holder = psycopg2.connect(database.url("postgres"))
    with ThreadPoolExecutor(2) as pool:
        try:
            holder.cursor().execute("SELECT FROM products WHERE id = 5 FOR UPDATE")
            orders = [pool.submit(api.request, "POST", "/orders/bulk", {"orders": [ORDER]}) for _ in range(2)]
            wait_until(lambda: database.query(AT_WORK) == [(2,)], "both places are taken")
            yield orders
        finally:
            holder.close()


def timed(call: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


def quickest(call: Callable[[], Answer]) -> tuple[Answer, float]:
    """Of three that are answered alike: what others took longer is the machine's, which may stand still."""
    tries = [timed(call) for _ in range(3)]
    assert len({answer.status for answer, _ in tries}) == 1
    return min(tries, key=lambda answered: answered[1])


def check_refused(answer: Answer) -> None:
    assert answer.status == 503
    assert 1 <= int(answer.headers["retry-after"]) <= 2
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json["code"], answer.json["status"]) == ("overloaded", 503)


def test_the_excess_is_refused_within_a_second_and_counted(small_api: Api, database: TestDatabase) -> None:
    """Forty wait in vain while two orders are at work; those two are placed, and so is the next one. At most
    three times: the machine may stand still."""
    crowds = 1
    while refuse_forty(small_api, database) >= 1:
        crowds += 1
        assert crowds <= 3
        time.sleep(2)  # as they were told: the next are not told to wait longer than they
    assert small_api.request("POST", "/orders/", ORDER).status == 201
    counts = counted(small_api)
    assert counts["GET", "/products/{id}", "503"] == 20 * crowds
    assert counts["POST", "/orders/", "503"] == 20 * crowds
    assert counts["POST", "/orders/bulk", "200"] == 2 * crowds
    assert counts["POST", "/orders/", "201"] == 1


def refuse_forty(api: Api, database: TestDatabase) -> float:
    """Seconds until the last of them knew."""
    with busy(api, database) as orders, ThreadPoolExecutor(40) as pool:
        product = lambda: timed(lambda: api.request("GET", "/products/6"))  # noqa: E731
        order = lambda: timed(lambda: api.request("POST", "/orders/", ORDER))  # noqa: E731
        waiting = [pool.submit(request) for request in [product, order] * 20]
        for answer, seconds in (request.result() for request in waiting):
            check_refused(answer)
            assert seconds > 0.4
    assert [order_.result().json["success_count"] for order_ in orders] == [1, 1]
    return max(request.result()[1] for request in waiting)


def test_who_waits_is_served_in_turn(small_api: Api, database: TestDatabase) -> None:
    """With the body it came with, when a place is free before its time is over."""
    with ThreadPoolExecutor(20) as pool:
        with busy(small_api, database):
            waiting = [
                pool.submit(small_api.request, "POST", "/orders/", {"product_id": 6, "quantity": quantity})
                for quantity in range(1, 21)
            ]
        assert {(order.result().status, order.result().json["quantity"]) for order in waiting} == {
            (201, quantity) for quantity in range(1, 21)
        }


def test_probes_are_answered_meanwhile(small_api: Api, database: TestDatabase) -> None:
    """Healthy, and within what a probe waits."""
    with busy(small_api, database), ThreadPoolExecutor(20) as pool:
        crowd = [pool.submit(small_api.request, "GET", "/products/6") for _ in range(20)]
        for probe in (("HEAD", "/"), ("HEAD", "/health"), ("GET", "/health"), ("GET", "/metrics")):
            answer, seconds = quickest(lambda probe=probe: small_api.request(*probe))  # type: ignore[misc]
            assert answer.status == 200
            assert seconds < 0.5
        for request in crowd:
            check_refused(request.result())


def test_a_bulk_waits_as_others_do(small_api: Api, database: TestDatabase) -> None:
    """A thousand lines are a tenth of a megabyte."""
    bulk = {"orders": [{"product_id": 6, "quantity": 1}] * 1000, "filler": "x" * 64 * 1024}
    with ThreadPoolExecutor(1) as pool:
        with busy(small_api, database):
            waiting = pool.submit(small_api.request, "POST", "/orders/bulk", bulk)
            time.sleep(0.1)
            assert not waiting.done()
        assert waiting.result().status == 422, "it has a field too many"


def test_a_large_body_does_not_wait(small_api: Api, database: TestDatabase) -> None:
    """It is refused at once, by what it declares: nothing of it is read."""
    with busy(small_api, database):
        answer, seconds = quickest(
            lambda: small_api.request("POST", "/orders/bulk", {"orders": [ORDER]}, Content_Length=TOO_LONG)
        )
        assert (answer.status, answer.json["code"]) == (413, "body_too_large")
        assert seconds < 0.4


def test_the_start_is_told_to_readers_of_the_counters(
    start_api: Callable[..., Api], database: TestDatabase
) -> None:
    """The same by every process, and another one by the next API, whose counters begin at 0."""
    before = time.time()
    first = start_api(database.url(), API_PROCESSES="2")
    starts = {start_of(first) for _ in range(8)}
    assert len(starts) == 1
    assert before - 1 < starts.pop() < time.time() + 1
    assert start_of(start_api(database.url())) > start_of(first)


def start_of(api: Api) -> float:
    lines = api.request("GET", "/metrics").body.decode().splitlines()
    (start,) = (line for line in lines if line.startswith("process_start_time_seconds "))
    return float(start.split()[1])

"""Many at once: nothing sold twice, nothing returned twice, nobody waits for ever. Over real HTTP, so that
requests are in the database at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2

from tests.integration.databases import ADDS_UP, TOTALS_ARE_TRUE, TestDatabase
from tests.integration.servers import Answer, Api


def at_once(calls: list[Callable[[], int]]) -> Counter[int]:
    """How often each status was answered."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(lambda call: call(), calls))


def served(api: Api, method: str, path: str, body: Any = None, **headers: Any) -> Answer:
    """Asked again while there is no place for it in time: of what is refused for that, nothing has begun."""
    while True:
        answer = api.request(method, path, body, **headers)
        if answer.status != 503 or answer.json["code"] != "overloaded":
            return answer


def test_fifty_racers_for_five_units(api: Api, query: Callable[..., list[Any]]) -> None:
    """Exactly five get one, the others are told that there is none."""
    api.request("PUT", "/products/5", {"stock": 5})
    order = {"product_id": 5, "quantity": 1}
    statuses = at_once([lambda: served(api, "POST", "/orders/", order).status] * 50)
    assert statuses == {201: 5, 409: 45}
    assert query("SELECT stock FROM products WHERE id = 5") == [(0,)]
    assert query(ADDS_UP) == [(0,)]


def test_racing_cancels_return_the_units_once(api: Api, query: Callable[..., list[Any]]) -> None:
    """By cancel, PUT and deletion: each is told 200, or 422 where there is no status to leave any more."""
    api.request("POST", "/orders/", {"product_id": 5, "quantity": 7})
    calls: list[Callable[[], int]] = [
        lambda: served(api, "POST", "/orders/1/cancel").status,
        lambda: served(api, "DELETE", "/orders/1").status,
        lambda: served(api, "PUT", "/orders/1", {"status": "CANCELED"}).status,
    ] * 8
    assert set(at_once(calls)) <= {200, 422}
    assert query("SELECT stock FROM products WHERE id = 5") == [(10185,)]
    assert query("SELECT count(*) FROM stock_movements WHERE kind = 'canceled'") == [(1,)]


def test_an_order_is_paid_or_canceled_never_both(api: Api, query: Callable[..., list[Any]]) -> None:
    """Whoever comes second meets what the first made of it; a shipped order has kept its units."""
    for _ in range(8):
        api.request("POST", "/orders/", {"product_id": 5, "quantity": 1})
    statuses = at_once(
        [
            lambda path=f"/orders/{order_id}/{act}": served(api, "POST", path).status  # type: ignore[misc]
            for order_id in range(1, 9)
            for act in ("pay", "ship", "cancel")
        ]
    )
    assert set(statuses) == {200, 422}, "in whatever order they come, one of the three is refused"
    assert query(
        "SELECT count(*) FROM orders WHERE (status = 'CANCELED') <> EXISTS "
        "(SELECT FROM stock_movements WHERE order_id = orders.id AND kind = 'canceled')"
    ) == [(0,)]
    assert query(ADDS_UP) == [(0,)]


def test_one_sku_is_created_once(api: Api) -> None:
    """However many try at the same time."""
    product = {"sku": "RACE", "name": "Race", "price": 1, "stock": 1}
    assert at_once([lambda: served(api, "POST", "/products/", product).status] * 20) == {201: 1, 409: 19}


def test_a_product_is_deleted_or_ordered_never_both(api: Api, query: Callable[..., list[Any]]) -> None:
    """No order is left without its product."""
    calls: list[Callable[[], int]] = []
    for product_id in range(1, 11):
        order = {"product_id": product_id, "quantity": 1}
        calls.append(lambda body=order: served(api, "POST", "/orders/", body).status)  # type: ignore[misc]
        calls.append(lambda path=f"/products/{product_id}": served(api, "DELETE", path).status)  # type: ignore[misc]
    statuses = at_once(calls)
    assert statuses[201] + statuses[204] == 10
    assert (statuses[201], statuses[204]) == (statuses[409], statuses[404])
    assert query("SELECT count(*) FROM orders WHERE product_id NOT IN (SELECT id FROM products)") == [(0,)]


def test_bulk_calls_and_single_ones_do_not_deadlock(api: Api, query: Callable[..., list[Any]]) -> None:
    """The same products in every order, with cancels, changes and deletions between: nobody is refused, all
    of it adds up."""
    ids = list(range(1, 21))
    up = {"orders": [{"product_id": product_id, "quantity": 1} for product_id in ids]}
    down = {"orders": list(reversed(up["orders"]))}
    api.request("POST", "/orders/bulk", up)
    calls: list[Callable[[], int]] = []
    for number in range(1, 11):
        calls += [
            lambda: served(api, "POST", "/orders/bulk", up).status,
            lambda: served(api, "POST", "/orders/bulk", down).status,
            lambda body={"product_id": number, "quantity": 1}: served(api, "POST", "/orders/", body).status,  # type: ignore[misc]
            lambda path=f"/orders/{number}": served(api, "PUT", path, {"quantity": 3}).status,  # type: ignore[misc]
            lambda path=f"/orders/{number + 10}?force=true": served(api, "DELETE", path).status,  # type: ignore[misc]
            lambda path=f"/products/{number}/stock/adjust": (
                served(api, "POST", path, {"adjustment": -1}).status
            ),  # type: ignore[misc]
        ]
    assert set(at_once(calls)) == {200, 201}
    assert query("SELECT sum(deadlocks)::int FROM pg_stat_database WHERE datname = current_database()") == [
        (0,)
    ]
    assert query(ADDS_UP) == [(0,)]
    assert query(TOTALS_ARE_TRUE) == [(True,)]


def test_a_bulk_call_and_a_single_one_with_its_key_do_not_deadlock(
    api: Api, query: Callable[..., list[Any]], database: TestDatabase
) -> None:
    """The bulk first in the queue for the product, then an order with the key of its line: it is that line's
    replay."""
    order = {"product_id": 5, "quantity": 1}
    waiting = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    holder = psycopg2.connect(database.url("postgres"))
    with ThreadPoolExecutor(2) as pool, closing(holder), holder.cursor() as cursor:
        cursor.execute("SELECT FROM products WHERE id = 5 FOR UPDATE")
        bulk = pool.submit(api.request, "POST", "/orders/bulk", {"orders": [order]}, Idempotency_Key="K")
        while query(waiting) != [(1,)]:
            assert not bulk.done()
        single = pool.submit(api.request, "POST", "/orders/", order, Idempotency_Key="K#0")
        while query(waiting) != [(2,)]:
            assert not single.done()
        holder.rollback()
    assert (bulk.result().status, single.result().status) == (200, 201)
    assert bulk.result().json["created"] == [{"index": 0, "id": single.result().json["id"]}]
    assert query("SELECT stock FROM products WHERE id = 5") == [(10185 - 1,)]


def test_bulk_calls_with_one_key_do_not_deadlock(api: Api, query: Callable[..., list[Any]]) -> None:
    """And many orders with the keys of its lines besides: each line is placed once."""
    orders = [{"product_id": product_id, "quantity": 1} for product_id in range(20, 0, -1)]
    calls: list[Callable[[], int]] = [
        lambda: served(api, "POST", "/orders/bulk", {"orders": orders}, Idempotency_Key="K").status
    ] * 4
    calls += [
        lambda body=order, key=f"K#{index}": (  # type: ignore[misc]
            served(api, "POST", "/orders/", body, Idempotency_Key=key).status
        )
        for index, order in enumerate(orders)
    ]
    assert at_once(calls) == {200: 4, 201: 20}
    assert query("SELECT count(*), count(DISTINCT product_id) FROM orders") == [(20, 20)]
    assert query(ADDS_UP) == [(0,)]


def test_bulk_products_do_not_deadlock(api: Api) -> None:
    """The same SKUs in opposite orders: each is created once."""
    lines = [{"sku": f"S-{number}", "name": "Same", "price": 1, "stock": 1} for number in range(50)]
    both = [{"products": lines}, {"products": lines[::-1]}] * 4
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: api.request("POST", "/products/bulk", body), both))
    assert [answer.status for answer in answers] == [200] * 8
    assert sum(answer.json["success_count"] for answer in answers) == 50

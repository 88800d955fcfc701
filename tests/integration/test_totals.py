"""Products and orders are counted as they change, and the count is always what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from falcon.testing import TestClient

from tests.integration.databases import TOTALS_ARE_TRUE, TestDatabase

PRODUCT = {"sku": "NEW", "name": "New", "price": 19.99, "stock": 10}

#: What leads up to an act, and the act itself: method, path, body.
ACTS: dict[str, list[tuple[str, str, Any]]] = {
    "create": [("POST", "/products/", PRODUCT)],
    "create_twice": [("POST", "/products/", PRODUCT)] * 2,
    "create_many": [("POST", "/products/bulk", {"products": [PRODUCT, PRODUCT, {**PRODUCT, "sku": "N2"}]})],
    "delete": [("DELETE", "/products/5", None)],
    "change_the_price": [("PUT", "/products/5", {"price": 0.01})],
    "sell_out": [("PUT", "/products/5", {"stock": 0})],
    "become_low": [("PUT", "/products/5", {"stock": 10})],
    "become_ample": [("PUT", "/products/100", {"stock": 11, "price": 3})],
    "change_nothing": [("PUT", "/products/5", {})],
    "write_off": [("POST", "/products/5/stock/adjust", {"adjustment": -1_000_000})],
    "deliver": [("POST", "/products/100/stock/adjust", {"adjustment": 10})],
    "order": [("POST", "/orders/", {"product_id": 5, "quantity": 3})],
    "order_too_much": [("POST", "/orders/", {"product_id": 100, "quantity": 3})],
    "order_many": [
        (
            "POST",
            "/orders/bulk",
            {"orders": [{"product_id": product, "quantity": 3} for product in (5, 6, 5, 100)]},
        )
    ],
    "pay": [("POST", "/orders/1/pay", None)],
    "ship": [("POST", "/orders/1/pay", None), ("POST", "/orders/1/ship", None)],
    "cancel": [("POST", "/orders/1/cancel", None)],
    "cancel_after_the_price_changed": [
        ("PUT", "/products/20", {"price": 1}),
        ("POST", "/orders/1/cancel", None),
    ],
    "change_the_quantity": [("PUT", "/orders/1", {"quantity": 1})],
    "change_the_quantity_and_pay": [("PUT", "/orders/1", {"quantity": 2, "status": "PAID"})],
    "delete_an_order": [("DELETE", "/orders/1?force=true", None)],
    "delete_a_shipped_order": [
        ("POST", "/orders/1/pay", None),
        ("POST", "/orders/1/ship", None),
        ("DELETE", "/orders/1?force=true", None),
    ],
}


@pytest.mark.parametrize("acts", ACTS.values(), ids=ACTS.keys())
def test_the_totals_are_exact_after(
    shop: TestClient, query: Callable[..., list[Any]], acts: list[tuple[str, str, Any]]
) -> None:
    """Every kind of act, done or refused. There is one order before it: all units of a scarce product."""
    shop.simulate_post("/orders/", json={"product_id": 20, "quantity": 4})
    assert query("SELECT stock FROM products WHERE id = 20") == [(0,)]
    for method, path, body in acts:
        answer = shop.simulate_request(method, path, json=body)
        assert answer.status_code < 500
        assert answer.status_code not in {404, 422}
        assert query(TOTALS_ARE_TRUE) == [(True,)]


def test_what_is_taken_back_is_not_counted(database: TestDatabase, query: Callable[..., list[Any]]) -> None:
    """Nor, while it is under way, by anybody else."""
    before = query("SELECT * FROM summarize()")
    with closing(psycopg2.connect(database.url())) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT place_order(5, 2), create_product('NEW', 'New', 1, 1), delete_product(7)")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert query("SELECT * FROM summarize()") == before
        connection.rollback()
    assert query("SELECT * FROM summarize()") == before
    assert query(TOTALS_ARE_TRUE) == [(True,)]


@contextmanager
def connections_of_one_slot(database: TestDatabase) -> Iterator[list[Any]]:
    """Two connections that keep their totals in the same row."""
    opened: dict[int, Any] = {}
    try:
        while True:
            connection = psycopg2.connect(database.url())
            connection.autocommit = True
            slot = connection.get_backend_pid() % 64
            if slot in opened:
                yield [opened[slot], connection]
                connection.close()
                return
            opened[slot] = connection
    finally:
        for connection in opened.values():
            connection.close()


def test_acts_in_opposite_orders_do_not_deadlock(
    database: TestDatabase, query: Callable[..., list[Any]]
) -> None:
    """An order changes its product first and its own row then, a cancel the other way round: at the end both
    count both, in the same row."""

    def shop_around(connection: Any, product: int) -> None:
        with connection.cursor() as cursor:
            for _ in range(200):
                cursor.execute("SELECT id FROM place_order(%s, 1)", (product,))
                ((order,),) = cursor.fetchall()
                cursor.execute("SELECT cancel_order(%s)", (order,))

    with connections_of_one_slot(database) as connections, ThreadPoolExecutor(2) as pool:
        list(pool.map(shop_around, connections, (5, 6)))
    assert query(TOTALS_ARE_TRUE) == [(True,)]


def test_many_at_once_are_counted_once_each(database: TestDatabase, query: Callable[..., list[Any]]) -> None:
    """Whatever they do to the same few products, each act by itself as the API does it."""
    acts = [
        "SELECT place_order({0}, 2)",
        'SELECT place_orders(\'[{{"product_id": 2, "quantity": 1}}, {{"product_id": {0}, "quantity": 1}}]\')',
        "SELECT change_product({0}, NULL, NULL, {0}.5, {0})",
        "SELECT adjust_stock({0}, -3)",
        "SELECT create_product('NEW-{0}', 'New', 1, {0})",
        "SELECT delete_product({0} + 500)",
        "SELECT pay_order({0})",
        "SELECT cancel_order({0} + 1)",
        "SELECT delete_order({0} + 2)",
    ]

    def act(number: int) -> None:
        with closing(psycopg2.connect(database.url())) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for statement in acts[number % len(acts) :] + acts[: number % len(acts)]:
                cursor.execute(statement.format(1 + number % 5))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))
    assert query(TOTALS_ARE_TRUE) == [(True,)]


PAGES = [(in_stock_only, per_page) for in_stock_only in ("false", "true") for per_page in (7, 100)]


@pytest.mark.parametrize(("in_stock_only", "per_page"), PAGES)
def test_every_page_is_where_it_belongs(shop: TestClient, in_stock_only: str, per_page: int) -> None:
    """Walked to from the front or from the back, with gaps in the ids, to the last and beyond."""
    for product in (1, 2, 400, 500, 501, 999):
        assert shop.simulate_delete(f"/products/{product}").status_code == 204
    sold_out = {number for number in range(1, 1001) if number % 100 == 0}
    missing = {1, 2, 400, 500, 501, 999} | (sold_out if in_stock_only == "true" else set())
    expected = [number for number in range(1, 1001) if number not in missing]
    filters = {"in_stock_only": in_stock_only, "per_page": per_page}
    for page in range(1, len(expected) // per_page + 3):
        answer = shop.simulate_get("/products/", params={**filters, "page": page}).json
        first = (page - 1) * per_page
        assert [product["id"] for product in answer["products"]] == expected[first : first + per_page]
        assert answer["total"] == len(expected)


def test_an_empty_shop_has_one_page_of_nothing(shop: TestClient, query: Callable[..., list[Any]]) -> None:
    """And no totals but zeros."""
    query("DELETE FROM products")
    page = shop.simulate_get("/products/").json
    assert (page["products"], page["total"]) == ([], 0)
    products = shop.simulate_get("/summary").json["inventory"]["products"]
    assert set(products.values()) == {0}

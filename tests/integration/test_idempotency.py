"""Idempotency-Key: one effect, one answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import Result, TestClient

ORDER = {"product_id": 5, "quantity": 2}


def place(shop: TestClient, key: str, **fields: int) -> Result:
    return shop.simulate_post("/orders/", json=ORDER | fields, headers={"Idempotency-Key": key})


def place_bulk(shop: TestClient, key: str, *orders: dict[str, int]) -> Any:
    return shop.simulate_post("/orders/bulk", json={"orders": orders}, headers={"Idempotency-Key": key}).json


def test_the_same_key_is_the_same_answer_and_one_order(
    shop: TestClient, query: Callable[..., list[Any]]
) -> None:
    """Status and body to the letter."""
    first, second = place(shop, "k"), place(shop, "k")
    assert (first.status_code, first.text) == (second.status_code, second.text)
    assert first.status_code == 201
    assert query("SELECT count(*) FROM orders") == [(1,)]


@pytest.mark.parametrize(
    "change",
    [
        ("POST", "/orders/1/pay", None),
        ("PUT", "/orders/1", {"quantity": 1}),
        ("POST", "/orders/1/cancel", None),
        ("DELETE", "/orders/1?force=true", None),
    ],
)
def test_the_first_answer_stays_the_answer(shop: TestClient, change: tuple[str, str, Any]) -> None:
    """As the order was born, whatever became of it."""
    first = place(shop, "k")
    method, path, body = change
    assert shop.simulate_request(method, path, json=body).status_code == 200
    assert place(shop, "k").text == first.text


@pytest.mark.parametrize("other", [{"quantity": 3}, {"product_id": 6}])
def test_a_key_with_another_body_is_422(shop: TestClient, other: dict[str, int]) -> None:
    """And it remains the first order's."""
    first = place(shop, "k")
    refused = place(shop, "k", **other)
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert place(shop, "k").text == first.text


def test_refusals_are_not_remembered(shop: TestClient) -> None:
    """Sold out, then restocked: the key may be tried again."""
    assert place(shop, "k", product_id=100).status_code == 409
    assert place(shop, "k", product_id=99999).status_code == 404
    shop.simulate_post("/products/100/stock/adjust", json={"adjustment": 2})
    assert place(shop, "k", product_id=100).status_code == 201


def test_one_key_in_flight_many_times_is_one_order(shop: TestClient, query: Callable[..., list[Any]]) -> None:
    """Those that come while the first is at work wait for it and get its answer."""
    with ThreadPoolExecutor(16) as pool:
        answers = {answer.text for answer in pool.map(lambda _: place(shop, "k"), range(64))}
    assert len(answers) == 1
    assert query("SELECT count(*) FROM orders") == [(1,)]
    assert query("SELECT stock FROM products WHERE id = 5") == [(10185 - 2,)]


def test_a_bulk_call_is_remembered_line_by_line(shop: TestClient) -> None:
    """A refused line may succeed the next time; the others are not placed twice."""
    good, sold_out = ORDER, {"product_id": 100, "quantity": 1}
    first = place_bulk(shop, "b", good, sold_out)
    assert [line["index"] for line in first["failures"]] == [1]
    shop.simulate_post("/products/100/stock/adjust", json={"adjustment": 1})
    second = place_bulk(shop, "b", good, sold_out)
    assert second["created"][0] == first["created"][0]
    assert (second["success_count"], second["failure_count"]) == (2, 0)


def test_a_changed_line_of_a_bulk_call_is_named(shop: TestClient) -> None:
    """The key's other lines stand."""
    place_bulk(shop, "b", ORDER, ORDER)
    second = place_bulk(shop, "b", ORDER, ORDER | {"quantity": 9})
    assert [(line["index"], line["code"], line["field"]) for line in second["failures"]] == [
        (1, "idempotency_key_reused", "Idempotency-Key")
    ]


@pytest.mark.parametrize("key", ["", "x" * 201, "tab\there", "é"])
def test_a_key_that_is_none_is_422(untouched_shop: TestClient, key: str) -> None:
    """1 to 200 printable ASCII characters."""
    answer = place(untouched_shop, key)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("key", ["x" * 200, "'; DROP TABLE orders; --", "%s \\ {}"])
def test_any_printable_key_will_do(shop: TestClient, key: str) -> None:
    """As long as 200, and whatever SQL would make of it."""
    first = place(shop, key)
    assert first.status_code == 201
    assert place(shop, key).text == first.text

"""Bulk calls: one transaction, in which refused lines are skipped and named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

from api.reading import MOST_ERRORS

ORDER = {"product_id": 5, "quantity": 1}
PRODUCT = {"sku": "NEW-1", "name": "New one", "price": 1.5, "stock": 3}


def test_bulk_orders_apply_what_can_be(shop: TestClient) -> None:
    """Counts, ids by index, and for each failure code, message and field."""
    lines = [ORDER, {"product_id": 20, "quantity": 5}, {"product_id": 99999, "quantity": 1}, ORDER]
    answer = shop.simulate_post("/orders/bulk", json={"orders": lines})
    assert (answer.status_code, answer.json["success_count"], answer.json["failure_count"]) == (200, 2, 2)
    assert [line["index"] for line in answer.json["created"]] == [0, 3]
    assert answer.json["failures"] == [
        {
            "index": 1,
            "code": "insufficient_stock",
            "message": "Insufficient stock. Available: 4, Requested: 5",
            "field": "quantity",
        },
        {
            "index": 2,
            "code": "product_not_found",
            "message": "Product with ID 99999 not found",
            "field": "product_id",
        },
    ]
    for line in answer.json["created"]:
        assert shop.simulate_get(f"/orders/{line['id']}").json["quantity"] == 1


def test_lines_of_one_bulk_call_share_the_stock(shop: TestClient) -> None:
    """Four units: the fifth line finds none."""
    answer = shop.simulate_post("/orders/bulk", json={"orders": [{"product_id": 20, "quantity": 1}] * 5})
    assert [line["index"] for line in answer.json["failures"]] == [4]
    assert shop.simulate_get("/products/20").json["stock"] == 0


def test_bulk_products_create_what_can_be(shop: TestClient) -> None:
    """A SKU that is taken, and the second of two lines with the same, are named."""
    lines = [
        PRODUCT | {"sku": "Z-1"},
        PRODUCT | {"sku": "seed-phone-0001"},
        PRODUCT | {"sku": "A-1"},
        PRODUCT | {"sku": "z-1"},
    ]
    answer = shop.simulate_post("/products/bulk", json={"products": lines}).json
    assert [line["index"] for line in answer["created"]] == [0, 2]
    assert [(line["index"], line["code"], line["field"]) for line in answer["failures"]] == [
        (1, "duplicate_sku", "sku"),
        (3, "duplicate_sku", "sku"),
    ]
    for line in answer["created"]:
        assert shop.simulate_get(f"/products/{line['id']}").json["sku"] == lines[line["index"]]["sku"]


@pytest.mark.parametrize(
    ("path", "name", "line"), [("/orders/bulk", "orders", ORDER), ("/products/bulk", "products", PRODUCT)]
)
class TestLimits:
    """The list itself, the same for both."""

    def test_a_thousand_lines_are_taken(self, shop: TestClient, path: str, name: str, line: Any) -> None:
        """All of them, in well under the ten seconds a call may take."""
        lines = [line | ({"sku": f"N-{number}"} if "sku" in line else {}) for number in range(1000)]
        assert shop.simulate_post(path, json={name: lines}).json["success_count"] == 1000

    @pytest.mark.parametrize("count", [0, 1001])
    def test_none_and_more_are_422(
        self, untouched_shop: TestClient, path: str, name: str, line: Any, count: int
    ) -> None:
        """The list is named."""
        answer = untouched_shop.simulate_post(path, json={name: [line] * count})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, name)

    def test_a_wrong_line_is_422_and_nothing_is_applied(
        self, untouched_shop: TestClient, path: str, name: str, line: Any
    ) -> None:
        """Every wrong field of every line is named."""
        field = next(iter(line))
        answer = untouched_shop.simulate_post(path, json={name: [line, line | {field: None, "x": 1}, 3]})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json["errors"]] == [
            f"{name}[1].x",
            f"{name}[1].{field}",
            f"{name}[2]",
        ]


def test_a_bulk_call_that_fails_applies_nothing(shop: TestClient, query: Callable[..., list[Any]]) -> None:
    """Its last line hits a fault in the database: the lines before are undone."""
    query(
        "ALTER TABLE orders ADD CONSTRAINT a_fault CHECK (quantity <> 13)",
    )
    answer = shop.simulate_post("/orders/bulk", json={"orders": [ORDER, ORDER, ORDER | {"quantity": 13}]})
    assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
    assert query("SELECT count(*) FROM orders") == [(0,)]
    assert query("SELECT stock FROM products WHERE id = 5") == [(10185,)]


@pytest.mark.parametrize("line", ["{}", "0", '{"product_id": 1}'])
def test_the_length_of_a_bulk_call_is_checked_before_its_lines(untouched_shop: TestClient, line: str) -> None:
    """A megabyte of empty lines took half a minute, and its answer had 62 megabytes."""
    body = f'{{"orders": [{",".join([line] * (1_000_000 // (len(line) + 1)))}]}}'
    headers = {"Content-Type": "application/json"}
    answer = untouched_shop.simulate_post("/orders/bulk", body=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "orders", "message": "Expected `array` of length <= 1000"}]


@pytest.mark.parametrize("lines", [1, 100])
def test_errors_that_are_listed_have_a_limit(untouched_shop: TestClient, lines: int) -> None:
    """Each unknown field is one, and a body can have very many."""
    fields = ",".join(f'"{number}":1' for number in range(60_000 // lines))
    body = f'{{"orders": [{",".join([f"{{{fields}}}"] * lines)}]}}'
    headers = {"Content-Type": "application/json"}
    errors = untouched_shop.simulate_post("/orders/bulk", body=body, headers=headers).json["errors"]
    assert len(errors) == MOST_ERRORS + 1
    more = 60_000 + 2 * lines - MOST_ERRORS
    assert errors[-1] == {"field": "body", "message": f"{more:,} more errors are not listed"}

"""Orders, row by row of the contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

#: Of the seeded catalogue: 10,185 units of 400.95.
PRODUCT = 5
STOCK = 10185
#: The steps that lead a new order to a status.
STEPS = {"PENDING": [], "PAID": ["pay"], "SHIPPED": ["pay", "ship"], "CANCELED": ["cancel"]}


def place(shop: TestClient, quantity: int = 5, status: str = "PENDING", product_id: int = PRODUCT) -> int:
    """The id of a new order of that status."""
    answer = shop.simulate_post("/orders/", json={"product_id": product_id, "quantity": quantity})
    assert answer.status_code == 201
    for step in STEPS[status]:
        assert shop.simulate_post(f"/orders/{answer.json['id']}/{step}").status_code == 200
    return int(answer.json["id"])


def stock(shop: TestClient) -> int:
    return int(shop.simulate_get(f"/products/{PRODUCT}").json["stock"])


def status(shop: TestClient, order_id: int) -> str:
    return str(shop.simulate_get(f"/orders/{order_id}").json["status"])


def test_an_order_takes_its_units(shop: TestClient) -> None:
    """201, the order as the contract writes it, and less in stock."""
    answer = shop.simulate_post("/orders/", json={"product_id": PRODUCT, "quantity": 5})
    order = answer.json
    assert (answer.status_code, answer.headers["location"]) == (201, f"/orders/{order['id']}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", order.pop("created_at"))
    assert order == {"id": 1, "product_id": PRODUCT, "quantity": 5, "status": "PENDING"}
    assert stock(shop) == STOCK - 5


def test_the_last_unit_can_be_ordered_and_no_more(shop: TestClient) -> None:
    """409 says what there is and what was asked for."""
    place(shop, 4, product_id=20)
    answer = shop.simulate_post("/orders/", json={"product_id": 20, "quantity": 5})
    assert (answer.status_code, answer.json["code"]) == (409, "insufficient_stock")
    assert answer.json["detail"] == "Insufficient stock. Available: 0, Requested: 5"


def test_an_order_of_nothing_we_sell_is_404(untouched_shop: TestClient) -> None:
    """The text names the product."""
    answer = untouched_shop.simulate_post("/orders/", json={"product_id": 99999, "quantity": 5})
    assert (answer.status_code, answer.json["detail"]) == (404, "Product with ID 99999 not found")


def test_orders_are_listed_newest_first_in_pages(shop: TestClient) -> None:
    """The page and the totals."""
    for _ in range(5):
        place(shop)
    page = shop.simulate_get("/orders/", params={"page": 2, "per_page": 2}).json
    assert [order["id"] for order in page.pop("orders")] == [3, 2]
    assert page == {"total": 5, "page": 2, "per_page": 2, "total_pages": 3}


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"status": "PENDING"}, [5, 1]),
        ({"status": "PAID"}, [2]),
        ({"status": "SHIPPED"}, [3]),
        ({"status": "CANCELED"}, [4]),
        ({"product_id": 6}, [5]),
        ({"product_id": 5, "status": "PENDING"}, [1]),
        ({"product_id": 7}, []),
    ],
)
def test_order_filters_combine(shop: TestClient, filters: dict[str, Any], ids: list[int]) -> None:
    """What is listed, and counted, is what passes both."""
    for reached in STEPS:
        place(shop, status=reached)
    place(shop, product_id=6)
    page = shop.simulate_get("/orders/", params=filters).json
    assert [order["id"] for order in page["orders"]] == ids
    assert page["total"] == len(ids)


@pytest.mark.parametrize(
    ("limit", "ids"), [({}, range(12, 2, -1)), ({"limit": 1}, [12]), ({"limit": 50}, range(12, 0, -1))]
)
def test_recent_orders_are_a_bare_list(shop: TestClient, limit: dict[str, int], ids: list[int]) -> None:
    """Newest first, ten unless asked otherwise."""
    for _ in range(12):
        place(shop, 1)
    orders = shop.simulate_get("/orders/recent", params=limit).json
    assert [order["id"] for order in orders] == list(ids)


def test_an_order_keeps_its_price(shop: TestClient) -> None:
    """total_value is of the moment it was placed; the product is as it is now."""
    order_id = place(shop, 2)
    shop.simulate_put(f"/products/{PRODUCT}", json={"price": 1})
    order = shop.simulate_get(f"/orders/{order_id}").json
    assert (order["total_value"], order["product"]["price"]) == (801.90, 1)
    assert set(order) == {"id", "product_id", "quantity", "status", "created_at", "product", "total_value"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/orders/{id}", None),
        ("PUT", "/orders/{id}", {"quantity": 1}),
        ("DELETE", "/orders/{id}", None),
        ("DELETE", "/orders/{id}?force=true", None),
        ("POST", "/orders/{id}/pay", None),
        ("POST", "/orders/{id}/ship", None),
        ("POST", "/orders/{id}/cancel", None),
    ],
)
@pytest.mark.parametrize("number", ["99999", "0", "9223372036854775808", "x"])
def test_an_order_id_that_is_nobodys_is_404(
    untouched_shop: TestClient, method: str, path: str, body: Any, number: str
) -> None:
    """Also one that is no 63-bit number."""
    answer = untouched_shop.simulate_request(method, path.replace("{id}", number), json=body)
    assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
    assert answer.json["detail"] == f"Order with ID {number} not found"


TRANSITIONS = [
    # from, act, status and start of the detail, stock afterwards relative to the order's units
    ("PENDING", "pay", 200, "PAID"),
    ("PAID", "pay", 422, "Cannot mark order as paid"),
    ("SHIPPED", "pay", 422, "Cannot mark order as paid"),
    ("CANCELED", "pay", 422, "Cannot mark order as paid"),
    ("PENDING", "ship", 422, "Cannot ship order"),
    ("PAID", "ship", 200, "SHIPPED"),
    ("SHIPPED", "ship", 422, "Cannot ship order"),
    ("CANCELED", "ship", 422, "Cannot ship order"),
    ("PENDING", "cancel", 200, "CANCELED"),
    ("PAID", "cancel", 200, "CANCELED"),
    ("SHIPPED", "cancel", 422, "Cannot cancel a shipped order"),
    ("CANCELED", "cancel", 200, "CANCELED"),
]


@pytest.mark.parametrize(("before", "act", "code", "result"), TRANSITIONS)
def test_acts_follow_the_life_of_an_order(
    shop: TestClient, before: str, act: str, code: int, result: str
) -> None:
    """The new status, or a refusal that changes nothing; a canceled order has given its units back once."""
    order_id = place(shop, status=before)
    answer = shop.simulate_post(f"/orders/{order_id}/{act}")
    assert answer.status_code == code
    assert answer.json["detail"].startswith(result) if code == 422 else answer.json["status"] == result
    after = result if code == 200 else before
    assert status(shop, order_id) == after
    assert stock(shop) == (STOCK if after == "CANCELED" else STOCK - 5)


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("wanted", STEPS)
def test_put_follows_the_same_life(shop: TestClient, before: str, wanted: str) -> None:
    """The same transitions; any other, to the status it has too, is 422."""
    allowed = {("PENDING", "PAID"), ("PENDING", "CANCELED"), ("PAID", "SHIPPED"), ("PAID", "CANCELED")}
    order_id = place(shop, status=before)
    answer = shop.simulate_put(f"/orders/{order_id}", json={"status": wanted})
    if (before, wanted) in allowed:
        assert (answer.status_code, answer.json["status"]) == (200, wanted)
    else:
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_transition")
        assert answer.json["detail"] == f"Invalid status transition from {before} to {wanted}"
    after = wanted if (before, wanted) in allowed else before
    assert status(shop, order_id) == after
    assert stock(shop) == (STOCK if after == "CANCELED" else STOCK - 5)


@pytest.mark.parametrize(
    ("change", "quantity", "left"),
    [
        ({"quantity": 8}, 8, STOCK - 8),
        ({"quantity": 1}, 1, STOCK - 1),
        ({"quantity": 5}, 5, STOCK - 5),
        ({}, 5, STOCK - 5),
        ({"quantity": 8, "status": "PAID"}, 8, STOCK - 8),
        ({"quantity": 8, "status": "CANCELED"}, 8, STOCK),
    ],
)
def test_stock_follows_the_quantity(
    shop: TestClient, query: Callable[..., list[Any]], change: dict[str, Any], quantity: int, left: int
) -> None:
    """Up and down, with a change of status too; the ledger adds up."""
    order_id = place(shop)
    answer = shop.simulate_put(f"/orders/{order_id}", json=change)
    assert (answer.status_code, answer.json["quantity"]) == (200, quantity)
    assert answer.json["status"] == change.get("status", "PENDING")
    assert stock(shop) == left
    assert query("SELECT sum(delta)::int FROM stock_movements WHERE product_id = %s", PRODUCT) == [(left,)]


def test_a_quantity_that_is_not_there_changes_nothing(shop: TestClient) -> None:
    """409, the status that was asked for with it included."""
    order_id = place(shop, 3, product_id=20)
    answer = shop.simulate_put(f"/orders/{order_id}", json={"quantity": 5, "status": "PAID"})
    assert (answer.status_code, answer.json["code"]) == (409, "insufficient_stock")
    order = shop.simulate_get(f"/orders/{order_id}").json
    assert (order["quantity"], order["status"], order["product"]["stock"]) == (3, "PENDING", 1)


@pytest.mark.parametrize("before", ["PAID", "SHIPPED", "CANCELED"])
def test_the_quantity_is_locked_once_paid(shop: TestClient, before: str) -> None:
    """422 names the status."""
    order_id = place(shop, status=before)
    answer = shop.simulate_put(f"/orders/{order_id}", json={"quantity": 4})
    assert (answer.status_code, answer.json["code"]) == (422, "quantity_locked")
    assert answer.json["detail"].startswith(f"Cannot change quantity for {before} orders")


@pytest.mark.parametrize("before", ["PENDING", "PAID", "CANCELED"])
def test_a_deletion_is_a_cancel(shop: TestClient, before: str) -> None:
    """The order stays, canceled; its units are back."""
    order_id = place(shop, status=before)
    answer = shop.simulate_delete(f"/orders/{order_id}")
    assert (answer.status_code, answer.json["message"]) == (200, "Order 1 canceled successfully")
    assert answer.json["timestamp"].endswith("+00:00")
    assert (status(shop, order_id), stock(shop)) == ("CANCELED", STOCK)


def test_a_shipped_order_is_not_canceled_by_deletion(shop: TestClient) -> None:
    """422, and it stays shipped."""
    order_id = place(shop, status="SHIPPED")
    answer = shop.simulate_delete(f"/orders/{order_id}")
    assert (answer.status_code, answer.json["detail"]) == (422, "Cannot cancel a shipped order")
    assert status(shop, order_id) == "SHIPPED"


@pytest.mark.parametrize(
    ("before", "left"), [("PENDING", STOCK), ("PAID", STOCK), ("SHIPPED", STOCK - 5), ("CANCELED", STOCK)]
)
def test_a_forced_deletion_removes_the_order(
    shop: TestClient, query: Callable[..., list[Any]], before: str, left: int
) -> None:
    """The units of a live order go back first; the ledger notes the deletion of any."""
    order_id = place(shop, status=before)
    answer = shop.simulate_delete(f"/orders/{order_id}", params={"force": "true"})
    assert (answer.status_code, answer.json["message"]) == (200, "Order 1 deleted successfully")
    assert shop.simulate_get(f"/orders/{order_id}").status_code == 404
    assert stock(shop) == left
    assert query("SELECT stock_after FROM stock_movements WHERE order_id = 1 AND kind = 'deleted'") == [
        (left,)
    ]


def test_units_come_back_whatever_the_stock_was_set_to(shop: TestClient) -> None:
    """A cancel is no adjustment: the limit of 1,000,000 does not hold it up."""
    order_id = place(shop)
    shop.simulate_put(f"/products/{PRODUCT}", json={"stock": 1_000_000})
    assert shop.simulate_post(f"/orders/{order_id}/cancel").status_code == 200
    assert stock(shop) == 1_000_005

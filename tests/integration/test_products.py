"""Products, row by row of the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

NEW = {"sku": "Lamp-x1", "name": "Reading lamp", "price": 19.99, "stock": 100}


def create(shop: TestClient, **fields: Any) -> dict[str, Any]:
    answer = shop.simulate_post("/products/", json=NEW | fields)
    assert answer.status_code == 201
    product: dict[str, Any] = answer.json
    return product


def test_create_answers_the_product_with_its_sku_in_upper_case(shop: TestClient) -> None:
    """POST /products/ is 201, the product, and where it is."""
    answer = shop.simulate_post("/products/", json=NEW)
    assert answer.status_code == 201
    assert answer.json == {"id": 1001, "sku": "LAMP-X1", "name": "Reading lamp", "price": 19.99, "stock": 100}
    assert answer.headers["location"] == "/products/1001"
    assert shop.simulate_get("/products/1001").json == answer.json


def test_a_price_is_a_number_with_its_decimals(shop: TestClient) -> None:
    """Never a string, never 0.30000000000000004."""
    create(shop, price=0.3)
    assert '"price":0.30,' in shop.simulate_get("/products/1001").text


def test_a_sku_is_taken_once_whatever_its_case(shop: TestClient) -> None:
    """409 names the SKU, and nothing is created."""
    create(shop)
    answer = shop.simulate_post("/products/", json=NEW | {"sku": "LAMP-x1"})
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate_sku")
    assert answer.json["detail"] == "Product with SKU 'LAMP-X1' already exists"


def test_the_seeded_catalogue_leaves_plain_skus_free(shop: TestClient) -> None:
    """Locustfiles of other people create SKUs such as LAPTOP-0010, which must not be a 409."""
    page = shop.simulate_get("/products/", params={"per_page": 10}).json
    for product in page["products"]:
        prefix, _, plain = product["sku"].partition("-")
        assert prefix == "SEED"
        create(shop, sku=plain)


def test_products_are_listed_by_id_in_pages(shop: TestClient) -> None:
    """The page, its neighbours' absence, and the totals."""
    page = shop.simulate_get("/products/", params={"page": 2, "per_page": 3}).json
    assert [product["id"] for product in page["products"]] == [4, 5, 6]
    del page["products"]
    assert page == {"total": 1000, "page": 2, "per_page": 3, "total_pages": 334}


def test_a_page_is_twenty_unless_asked_otherwise(shop: TestClient) -> None:
    """The defaults of page and per_page."""
    page = shop.simulate_get("/products/").json
    assert (len(page["products"]), page["page"], page["per_page"]) == (20, 1, 20)


def test_a_page_behind_the_last_is_empty(shop: TestClient) -> None:
    """It still tells how many there are."""
    page = shop.simulate_get("/products/", params={"page": 1_000_000_000_000}).json
    assert (page["products"], page["total"]) == ([], 1000)


@pytest.mark.parametrize(
    ("filters", "skus"),
    [
        ({"search": "zEbRa"}, ["Z1", "Z2", "Z3"]),  # whatever the case
        ({"search": "ÄÖ"}, ["Z3"]),  # beyond ASCII too
        ({"search": "zebra%"}, []),  # no wildcards
        ({"search": "zebra_"}, []),
        ({"search": "zebra", "min_price": "10"}, ["Z2", "Z3"]),
        ({"search": "zebra", "max_price": "10.00"}, ["Z1", "Z2"]),
        ({"search": "zebra", "in_stock_only": "true"}, ["Z2", "Z3"]),
        ({"search": "zebra", "in_stock_only": "false"}, ["Z1", "Z2", "Z3"]),
        ({"search": "zebra", "low_stock_threshold": "5"}, ["Z1", "Z2"]),
        ({"search": "zebra", "low_stock_threshold": "5", "in_stock_only": "true"}, ["Z2"]),
        ({"search": "zebra", "min_price": "10", "max_price": "10"}, ["Z2"]),
    ],
)
def test_filters_combine(shop: TestClient, filters: dict[str, str], skus: list[str]) -> None:
    """What is listed is what passes all of them."""
    create(shop, sku="z1", name="Zebra", price=9.99, stock=0)
    create(shop, sku="z2", name="A zebra's coat", price=10, stock=5)
    create(shop, sku="z3", name="zebra äöü", price=20, stock=6)
    page = shop.simulate_get("/products/", params=filters).json
    assert [product["sku"] for product in page["products"]] == skus
    assert page["total"] == len(skus)


@pytest.mark.parametrize("sku", ["LAMP-X1", "lamp-x1"])
def test_a_product_is_found_by_its_sku_whatever_the_case(shop: TestClient, sku: str) -> None:
    """GET /products/sku/{sku}."""
    assert create(shop) == shop.simulate_get(f"/products/sku/{sku}").json


def test_an_unknown_sku_is_404(untouched_shop: TestClient) -> None:
    """The text names it as it was asked for."""
    answer = untouched_shop.simulate_get("/products/sku/none")
    assert (answer.status_code, answer.json["detail"]) == (404, "Product with SKU 'none' not found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/products/{id}", None),
        ("PUT", "/products/{id}", {"name": "Other"}),
        ("DELETE", "/products/{id}", None),
        ("POST", "/products/{id}/stock/adjust", {"adjustment": 1}),
    ],
)
@pytest.mark.parametrize("number", ["99999", "0", "-1", "abc", "9223372036854775808", "9" * 5000, "1.5", "²"])
def test_an_id_that_is_nobodys_is_404(
    untouched_shop: TestClient, method: str, path: str, body: Any, number: str
) -> None:
    """Also one that is no 63-bit number."""
    answer = untouched_shop.simulate_request(method, path.replace("{id}", number), json=body)
    assert (answer.status_code, answer.json["code"]) == (404, "product_not_found")
    assert answer.json["detail"] == f"Product with ID {number} not found"


@pytest.mark.parametrize(
    "change",
    [{"sku": "new-1"}, {"name": "New name"}, {"price": 1.25}, {"stock": 7}, {"stock": 0, "price": 3}, {}],
)
def test_a_change_touches_what_was_sent(shop: TestClient, change: dict[str, Any]) -> None:
    """PUT leaves the other fields; `{}` changes nothing."""
    before = create(shop)
    answer = shop.simulate_put("/products/1001", json=change)
    expected = before | change | ({"sku": "NEW-1"} if "sku" in change else {})
    assert (answer.status_code, answer.json) == (200, expected)
    assert shop.simulate_get("/products/1001").json == expected


def test_a_change_to_a_sku_that_is_taken_is_409(shop: TestClient) -> None:
    """And nothing of it happens."""
    before = create(shop)
    answer = shop.simulate_put("/products/1001", json={"sku": "seed-phone-0001", "stock": 1})
    assert (answer.status_code, answer.json["code"]) == (409, "duplicate_sku")
    assert answer.json["detail"] == "Product with SKU 'SEED-PHONE-0001' already exists"
    assert shop.simulate_get("/products/1001").json == before


def test_a_deleted_product_is_gone(shop: TestClient) -> None:
    """204 with no body, then 404."""
    create(shop)
    answer = shop.simulate_delete("/products/1001")
    assert (answer.status_code, answer.content) == (204, b"")
    assert shop.simulate_get("/products/1001").status_code == 404
    assert create(shop)["id"] == 1002  # ids are never used again


def test_a_product_with_orders_is_not_deleted(shop: TestClient) -> None:
    """409 while orders refer to it, canceled ones too."""
    create(shop)
    shop.simulate_post("/orders/", json={"product_id": 1001, "quantity": 1})
    shop.simulate_post("/orders/1/cancel")
    answer = shop.simulate_delete("/products/1001")
    assert (answer.status_code, answer.json["code"]) == (409, "product_in_use")
    shop.simulate_delete("/orders/1", params={"force": "true"})
    assert shop.simulate_delete("/products/1001").status_code == 204


@pytest.mark.parametrize(
    ("adjustment", "applied", "stock"),
    [(5, 5, 105), (-30, -30, 70), (-100, -100, 0), (-101, -100, 0), (-(2**31), -100, 0), (0, 0, 100)],
)
def test_an_adjustment_takes_no_more_than_there_is(
    shop: TestClient, query: Callable[..., list[Any]], adjustment: int, applied: int, stock: int
) -> None:
    """What was applied is what is answered and what the ledger records."""
    product = create(shop)
    answer = shop.simulate_post(
        "/products/1001/stock/adjust", json={"adjustment": adjustment, "reason": "stocktaking"}
    )
    assert (answer.status_code, answer.json) == (200, product | {"stock": stock, "applied": applied})
    movements = query("SELECT delta, stock_after, kind, reason FROM stock_movements WHERE product_id = 1001")
    assert movements[1:] == [(applied, stock, "adjusted", "stocktaking")]


def test_stock_is_not_raised_over_its_limit(shop: TestClient) -> None:
    """422 with what there is; nothing changes."""
    create(shop)
    answer = shop.simulate_post("/products/1001/stock/adjust", json={"adjustment": 2**31 - 1})
    assert (answer.status_code, answer.json["code"]) == (422, "stock_limit_exceeded")
    assert answer.json["errors"][0]["field"] == "adjustment"
    assert shop.simulate_get("/products/1001").json["stock"] == 100


def test_the_ledger_tells_a_products_whole_life(shop: TestClient, query: Callable[..., list[Any]]) -> None:
    """Born, ordered, canceled, set, adjusted, removed: the sum of deltas is the stock, also at the end."""
    create(shop)
    shop.simulate_post("/orders/", json={"product_id": 1001, "quantity": 10})
    shop.simulate_delete("/orders/1", params={"force": "true"})
    shop.simulate_put("/products/1001", json={"stock": 60})
    shop.simulate_post("/products/1001/stock/adjust", json={"adjustment": -20})
    shop.simulate_delete("/products/1001")
    assert query(
        "SELECT kind, delta, stock_after, order_id FROM stock_movements WHERE product_id = 1001 ORDER BY id"
    ) == [
        ("created", 100, 100, None),
        ("placed", -10, 90, 1),
        ("deleted", 10, 100, 1),
        ("set", -40, 60, None),
        ("adjusted", -20, 40, None),
        ("removed", -40, 0, None),
    ]

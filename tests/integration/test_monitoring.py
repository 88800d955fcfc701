"""What people, probes and Prometheus are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from falcon.testing import TestClient

from api import __version__
from api.documentation import FOLDER
from tests.integration.servers import Api


def test_the_root_leads_to_the_documentation(untouched_shop: TestClient) -> None:
    """GET /."""
    assert untouched_shop.simulate_get("/").json == {
        "message": "Orders & Inventory API",
        "status": "running",
        "docs": "/docs",
    }


def test_a_healthy_shop_says_so(untouched_shop: TestClient) -> None:
    """GET /health with the database there."""
    answer = untouched_shop.simulate_get("/health")
    assert answer.json["status"] == "healthy"
    assert answer.json["database"]["connected"] is True
    assert answer.json["api_version"] == __version__


def test_the_summary_adds_up(shop: TestClient) -> None:
    """Of a shop with known products and one order of each status."""
    for act in ([], ["pay"], ["pay", "ship"], ["cancel"]):
        order = shop.simulate_post("/orders/", json={"product_id": 5, "quantity": 2}).json
        for step in act:
            shop.simulate_post(f"/orders/{order['id']}/{step}")
    shop.simulate_put("/products/5", json={"price": 1, "stock": 10})
    summary = shop.simulate_get("/summary").json
    products = summary["inventory"]["products"]
    assert (products["total"], products["in_stock"], products["out_of_stock"]) == (1000, 990, 10)
    assert products["low_stock_count"] == 17  # 16 of the catalogue and this one
    assert products["total_stock_quantity"] == 27_076_120 - 10_185 + 10
    assert summary["inventory"]["orders"] == {
        "total": 4,
        "pending": 1,
        "paid": 1,
        "shipped": 1,
        "canceled": 1,
        "total_quantity_ordered": 8,
    }
    orders = summary["orders"]
    assert [order["id"] for order in orders.pop("recent_orders")] == [4, 3, 2, 1]
    assert orders == {
        "total_orders": 4,
        "status_breakdown": {"PENDING": 1, "PAID": 1, "SHIPPED": 1, "CANCELED": 1},
        "total_quantity_ordered": 8,
        "total_order_value": 3207.60,
    }


def test_the_summary_of_a_shop_without_orders(untouched_shop: TestClient) -> None:
    """Zeros and an empty list, no nulls."""
    orders = untouched_shop.simulate_get("/summary").json["orders"]
    assert (orders["total_orders"], orders["total_order_value"], orders["recent_orders"]) == (0, 0, [])


@pytest.mark.parametrize(("path", "assets"), [("/docs", 2), ("/redoc", 1)])
def test_the_pages_need_no_internet(untouched_shop: TestClient, path: str, assets: int) -> None:
    """Everything they load is served from here, and the browser is told not to ask anyone else."""
    page = untouched_shop.simulate_get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    loaded = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(loaded) == assets
    for asset in loaded:
        answer = untouched_shop.simulate_get(asset)
        assert (answer.status_code, answer.content) == (200, (FOLDER / Path(asset).name).read_bytes())


@pytest.mark.parametrize("script", ["swagger-ui-bundle.js", "redoc.standalone.js"])
def test_a_script_is_served_with_its_licences(untouched_shop: TestClient, script: str) -> None:
    """Where its first line refers to."""
    name = f"{script}.LICENSE.txt"
    assert name in untouched_shop.simulate_get(f"/docs/{script}").text.partition("\n")[0]
    answer = untouched_shop.simulate_get(f"/docs/{name}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == (FOLDER / name).read_text(encoding="utf-8")


def test_an_id_of_the_clients_own_comes_back(untouched_shop: TestClient) -> None:
    """Unless it could not be logged as it is."""
    headers = {"X-Request-ID": "trace/1:2"}
    assert untouched_shop.simulate_get("/", headers=headers).headers["x-request-id"] == "trace/1:2"
    headers = {"X-Request-ID": 'a"b'}
    assert untouched_shop.simulate_get("/", headers=headers).headers["x-request-id"] != 'a"b'


def counted(api: Api) -> dict[tuple[str, ...], int]:
    """(method, route, status) → requests."""
    text = api.request("GET", "/metrics").body.decode()
    pattern = r'^http_requests_total{method="(.*)",route="(.*)",status="(.*)"} (\S+)$'
    return {found[:3]: int(float(found[3])) for found in re.findall(pattern, text, re.MULTILINE)}


def test_every_request_is_counted_once_by_its_route(api: Api) -> None:
    """Refused early or late, found or not; an id never becomes a label, and HEAD is a method of its own."""
    before = counted(api)
    sent = [
        ("GET", "/products/5", None, ("GET", "/products/{id}", "200")),
        ("GET", "/products/6/", None, ("GET", "/products/{id}", "200")),
        ("HEAD", "/products/5", None, ("HEAD", "/products/{id}", "200")),
        ("GET", "/products/99999", None, ("GET", "/products/{id}", "404")),
        ("GET", "/products", None, ("GET", "/products/", "200")),
        ("GET", "/products/sku/x", None, ("GET", "/products/sku/{sku}", "404")),
        ("POST", "/orders/", {"product_id": 5, "quantity": 1}, ("POST", "/orders/", "201")),
        ("POST", "/orders/", {"product_id": 5}, ("POST", "/orders/", "422")),
        ("POST", "/orders/", "x" * 1024 * 1024, ("POST", "/orders/", "413")),
        ("POST", "/orders/1/pay", None, ("POST", "/orders/{id}/pay", "200")),
        ("PATCH", "/orders/", None, ("PATCH", "/orders/", "405")),
        ("BREW", "/orders/", None, ("other", "/orders/", "405")),
        ("GET", "/nothing/here", None, ("GET", "other", "404")),
    ]
    for method, path, body, _ in sent:
        api.request(method, path, body)
    api.request("POST", "/orders/", {}, Content_Type="text/plain")
    after = counted(api)
    expected = [label for *_, label in sent] + [("POST", "/orders/", "415"), ("GET", "/metrics", "200")]
    difference = {label: after[label] - before.get(label, 0) for label in after}
    assert {label: count for label, count in difference.items() if count} == {
        label: expected.count(label) for label in expected
    }


def test_latency_is_counted_in_few_buckets(api: Api) -> None:
    """By method and route."""
    api.request("GET", "/products/5")
    text = api.request("GET", "/metrics").body.decode()
    labels = '{method="GET",route="/products/{id}"'
    assert f"http_request_duration_seconds_count{labels}}} 1.0" in text
    assert len(re.findall(r'_seconds_bucket{le=".*",method="GET",route="/products/{id}"}', text)) == 9

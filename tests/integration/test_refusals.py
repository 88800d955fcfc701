"""Bad input: always problem+json, always the right status, never an effect."""

from __future__ import annotations

import json
from typing import Any

import falcon
import pytest
from falcon.testing import Result, TestClient

PRODUCT = {"sku": "NEW-1", "name": "New one", "price": 1.5, "stock": 3}
ORDER = {"product_id": 5, "quantity": 1}
JSON = {"Content-Type": "application/json"}


def check_problem(answer: Result, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert (problem["status"], problem["code"]) == (status, code)
    assert {"type", "title", "detail"} <= set(problem)
    assert answer.headers["x-request-id"]


WRONG_FIELDS = [
    # path, the good body, what is wrong in it, the fields that must be named
    ("/products/", PRODUCT, {"sku": ""}, ["sku"]),
    ("/products/", PRODUCT, {"sku": "x" * 51}, ["sku"]),
    ("/products/", PRODUCT, {"sku": "no space"}, ["sku"]),
    ("/products/", PRODUCT, {"sku": "ÄÖÜ"}, ["sku"]),
    ("/products/", PRODUCT, {"sku": "newline\n"}, ["sku"]),
    ("/products/", PRODUCT, {"sku": 5}, ["sku"]),
    ("/products/", PRODUCT, {"name": "x"}, ["name"]),
    ("/products/", PRODUCT, {"name": "x" * 201}, ["name"]),
    ("/products/", PRODUCT, {"name": "nul\0"}, ["name"]),
    ("/products/", PRODUCT, {"name": None}, ["name"]),
    ("/products/", PRODUCT, {"price": 0}, ["price"]),
    ("/products/", PRODUCT, {"price": -1}, ["price"]),
    ("/products/", PRODUCT, {"price": 1.999}, ["price"]),
    ("/products/", PRODUCT, {"price": 10_000_000_000}, ["price"]),
    ("/products/", PRODUCT, {"price": "1.50"}, ["price"]),
    ("/products/", PRODUCT, {"price": True}, ["price"]),
    ("/products/", PRODUCT, {"stock": -1}, ["stock"]),
    ("/products/", PRODUCT, {"stock": 1_000_001}, ["stock"]),
    ("/products/", PRODUCT, {"stock": 1.5}, ["stock"]),
    ("/products/", PRODUCT, {"stock": 2**70}, ["stock"]),
    ("/products/", PRODUCT, {"colour": "red"}, ["colour"]),
    ("/products/", PRODUCT, {"id": 1}, ["id"]),
    ("/products/", {}, {}, ["sku", "name", "price", "stock"]),
    (
        "/products/",
        PRODUCT,
        {"x": 1, "sku": "", "name": 7, "price": 0, "stock": []},
        ["x", "sku", "name", "price", "stock"],
    ),
    ("/products/5", {}, {"sku": "a b", "stock": None}, ["sku", "stock"]),
    ("/products/5/stock/adjust", {}, {}, ["adjustment"]),
    ("/products/5/stock/adjust", {}, {"adjustment": 2**31}, ["adjustment"]),
    ("/products/5/stock/adjust", {}, {"adjustment": 1, "reason": "x" * 501}, ["reason"]),
    ("/products/5/stock/adjust", {}, {"adjustment": 1, "reason": "nul\0"}, ["reason"]),
    ("/orders/", ORDER, {"quantity": 0}, ["quantity"]),
    ("/orders/", ORDER, {"quantity": 10_001}, ["quantity"]),
    ("/orders/", ORDER, {"quantity": "1"}, ["quantity"]),
    ("/orders/", ORDER, {"product_id": 0}, ["product_id"]),
    ("/orders/", ORDER, {"product_id": 2**63}, ["product_id"]),
    ("/orders/", ORDER, {"product_id": None, "quantity": None}, ["product_id", "quantity"]),
    ("/orders/5", {}, {"status": "LOST"}, ["status"]),
    ("/orders/5", {}, {"status": "paid", "quantity": 0}, ["quantity", "status"]),
]


@pytest.mark.parametrize(("path", "body", "wrong", "fields"), WRONG_FIELDS)
def test_every_wrong_field_of_a_body_is_named(
    untouched_shop: TestClient, path: str, body: dict[str, Any], wrong: dict[str, Any], fields: list[str]
) -> None:
    """422; `errors` has one for each, and the detail speaks of all."""
    method = "PUT" if path in ("/products/5", "/orders/5") else "POST"
    answer = untouched_shop.simulate_request(method, path, json=body | wrong)
    check_problem(answer, 422, "invalid_input")
    assert [error["field"] for error in answer.json["errors"]] == fields
    assert all(
        error["message"] and error["field"] in answer.json["detail"] for error in answer.json["errors"]
    )


WRONG_QUERIES = [
    ("/products/", "page=0", ["page"]),
    ("/products/", "page=-1", ["page"]),
    ("/products/", "page=1.5", ["page"]),
    ("/products/", "page=", ["page"]),
    ("/products/", f"page={10**30}", ["page"]),
    ("/products/", "per_page=101", ["per_page"]),
    ("/products/", "page=x&per_page=0&min_price=cheap", ["page", "per_page", "min_price"]),
    ("/products/", "page=1&page=2", ["page"]),
    ("/products/", "min_price=-1", ["min_price"]),
    ("/products/", "min_price=nan", ["min_price"]),
    ("/products/", "max_price=inf", ["max_price"]),
    ("/products/", "max_price=1e999", ["max_price"]),
    ("/products/", "max_price=null", ["max_price"]),
    ("/products/", "in_stock_only=perhaps", ["in_stock_only"]),
    ("/products/", "low_stock_threshold=-1", ["low_stock_threshold"]),
    ("/products/", "search=%00", ["search"]),
    ("/products/", "serach=lamp", ["serach"]),
    ("/orders/", "status=LOST", ["status"]),
    ("/orders/", "status=pending", ["status"]),
    ("/orders/", f"product_id={2**63}", ["product_id"]),
    ("/orders/recent", "limit=0", ["limit"]),
    ("/orders/recent", "limit=51", ["limit"]),
]


@pytest.mark.parametrize(("path", "query", "fields"), WRONG_QUERIES)
def test_every_wrong_part_of_a_query_is_named(
    untouched_shop: TestClient, path: str, query: str, fields: list[str]
) -> None:
    """422, unknown names and values given twice included."""
    answer = untouched_shop.simulate_get(path, query_string=query)
    check_problem(answer, 422, "invalid_input")
    assert [error["field"] for error in answer.json["errors"]] == fields


def test_a_wrong_force_is_422_and_cancels_nothing(untouched_shop: TestClient) -> None:
    """A deletion is not done by mistake."""
    check_problem(
        untouched_shop.simulate_delete("/orders/1", query_string="force=maybe"), 422, "invalid_input"
    )


MALFORMED = [
    b"",
    b"{",
    b"{'sku': 1}",
    b'{"sku": "x"} x',
    b"\xff\xfe",
    b'{"sku": "\xff"}',
    b'{"sku": "\\ud800"}',
]


@pytest.mark.parametrize("path", ["/products/", "/orders/", "/orders/bulk"])
@pytest.mark.parametrize(
    "body", [*MALFORMED, b"[" * 100_000, b'{"orders":' + b"[" * 100_000, b'{"product_id": 1,}']
)
def test_malformed_json_is_400(untouched_shop: TestClient, path: str, body: bytes) -> None:
    """Cut off, not UTF-8, half a character, nested without end: 400, whatever else is wrong."""
    check_problem(untouched_shop.simulate_post(path, body=body, headers=JSON), 400, "malformed_json")


@pytest.mark.parametrize("body", ["[]", "null", "5", '"text"', "true"])
def test_json_that_is_no_object_is_422(untouched_shop: TestClient, body: str) -> None:
    """It is the body that is wrong."""
    answer = untouched_shop.simulate_post("/orders/", body=body, headers=JSON)
    check_problem(answer, 422, "invalid_input")
    assert answer.json["errors"][0]["field"] == "body"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/orders/", '{"quantity": "x", "quantity": 1, "product_id": 5}', "body"),
        ("/orders/bulk", '{"orders": [{"quantity": "x", "quantity": 1, "product_id": 5}]}', "orders"),
    ],
)
def test_a_wrong_value_that_a_later_one_replaces_is_named(
    untouched_shop: TestClient, path: str, body: str, field: str
) -> None:
    """The last one would do, the first one is wrong all the same."""
    answer = untouched_shop.simulate_post(path, body=body, headers=JSON)
    check_problem(answer, 422, "invalid_input")
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert "quantity" in answer.json["detail"]


@pytest.mark.parametrize(
    "media_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data"],
)
def test_another_content_type_is_415(untouched_shop: TestClient, media_type: str | None) -> None:
    """Even if JSON is inside."""
    headers = {"Content-Type": media_type} if media_type else {}
    answer = untouched_shop.simulate_post("/orders/", body=json.dumps(ORDER), headers=headers)
    check_problem(answer, 415, "unsupported_media_type")


def test_a_charset_in_the_content_type_is_fine(shop: TestClient) -> None:
    """As many clients send it."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert shop.simulate_post("/orders/", body=json.dumps(ORDER), headers=headers).status_code == 201


def test_a_body_over_one_mebibyte_is_413(untouched_shop: TestClient) -> None:
    """One byte less is read, and found to be wrong."""
    body = json.dumps(ORDER).ljust(1024 * 1024)
    check_problem(
        untouched_shop.simulate_post("/orders/", body=body + " ", headers=JSON), 413, "body_too_large"
    )
    body = "x".ljust(1024 * 1024)
    check_problem(untouched_shop.simulate_post("/orders/", body=body, headers=JSON), 400, "malformed_json")


@pytest.mark.parametrize(
    "path", ["/nothing", "/products/1/2", "/orders/1/lose", "/product", "/docs/../app.py", "/%00", "/docs/x"]
)
def test_an_unknown_path_is_404(untouched_shop: TestClient, path: str) -> None:
    """In the same form as every refusal."""
    check_problem(untouched_shop.simulate_get(path), 404, "path_not_found")


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/products/5", "DELETE, GET, HEAD, PUT"),
        ("DELETE", "/products/", "GET, HEAD, POST"),
        ("POST", "/products/5", "DELETE, GET, HEAD, PUT"),
        ("HEAD", "/products/5/stock/adjust", "POST"),
        ("GET", "/orders/1/pay", "POST"),
        ("OPTIONS", "/orders/", "GET, HEAD, POST"),
        ("TRACE", "/health", "GET, HEAD"),
        ("BREW", "/health", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405(untouched_shop: TestClient, method: str, path: str, allowed: str) -> None:
    """With those that are right."""
    answer = untouched_shop.simulate_request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        check_problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (falcon.HTTPInvalidHeader("It is no number.", "Content-Length"), "Content-Length"),
        (falcon.HTTPBadRequest(), "Bad Request"),
        (falcon.HTTPMissingParam("page"), "page"),
    ],
)
def test_what_else_falcon_refuses_is_400(shop: TestClient, error: falcon.HTTPError, detail: str) -> None:
    """With its reason, and not as if the method were wrong."""

    class Refusing:
        def on_get(self, _request: falcon.Request, _response: falcon.Response) -> None:
            raise error

    shop.app.add_route("/refusing", Refusing())
    answer = shop.simulate_get("/refusing")
    check_problem(answer, 400, "bad_request")
    assert detail in answer.json["detail"]
    assert "allow" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/products", "/orders", "/health/", "/orders/recent/", "/products/5/", "/docs/", "/summary/"]
)
def test_a_slash_at_the_end_makes_no_difference(untouched_shop: TestClient, path: str) -> None:
    """The same answer, never a redirect."""
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    one, two = untouched_shop.simulate_get(path), untouched_shop.simulate_get(other)
    assert (one.status_code, one.content) == (200, two.content)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/products/",
        "/products/5",
        "/products/sku/seed-phone-0001",
        "/orders/",
        "/orders/recent",
        "/health",
        "/summary",
        "/docs",
        "/redoc",
        "/openapi.json",
    ],
)
def test_head_is_get_without_the_body(untouched_shop: TestClient, path: str) -> None:
    """The same status and length."""
    get, head = untouched_shop.simulate_get(path), untouched_shop.simulate_head(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


def test_text_is_text(shop: TestClient) -> None:
    """What would be SQL or markup elsewhere comes back to the letter."""
    name = "'; DROP TABLE products; -- %s {x} <script> \\ 😀"
    created = shop.simulate_post("/products/", json=PRODUCT | {"name": name})
    assert created.json["name"] == name
    found = shop.simulate_get("/products/", params={"search": name})
    assert found.json["products"] == [created.json]

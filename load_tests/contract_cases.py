"""The contract's limits and refusals: one sentence each, with the request that tests it."""

from typing import Any
from urllib.parse import quote

from load_tests.answer import Json
from load_tests.contract import (
    FEW,
    NEVER_MADE,
    NOBODYS,
    NOWHERE,
    ORDER_OF_NOBODYS,
    Case,
    Owned,
    again,
    asks,
    asks_for,
    bulk,
    by_shop,
    created,
    is_it,
    not_adjusted,
    not_changed,
    not_created,
    not_placed,
    of_quantity,
    posts,
    sends,
    too_late,
    with_key,
    with_reason_of,
    with_sku_of,
)
from load_tests.shop import Shop

HOSTILE = {
    "SQL": "'; DROP TABLE products; --",
    "markup": "<script>alert(1)</script>",
    "a format string": "%s%n {0} \\",
    "a path": "../../etc/passwd",
    "Unicode": "Ünï¢ødé 😀 \u202e",
}

PRODUCTS = [
    Case(
        "a sku of 50 characters, stored in upper case",
        with_sku_of(50),
        201,
        holds=lambda body, _it: len(body["sku"]) == 50 and body["sku"].isupper(),
    ),
    # Few SKUs have one character, so all testers use this one. In a bulk call the second one is refused.
    Case(
        "a sku of 1 character",
        lambda tester, _it: tester.shop.create_products([{**tester.new_product(), "sku": "Z"}]),
        200,
        holds=lambda body, _it: body["created"] or body["failures"][0]["code"] == "duplicate_sku",
    ),
    not_created("a sku of no characters", sku=""),
    not_created("a sku of 51 characters", sku="X" * 51),
    not_created("a sku of 100,000 characters", sku="X" * 100_000),
    not_created("a sku with a line break", sku="LINE\n"),
    not_created("a sku with a NUL", sku="NUL\0"),
    not_created("a sku that is a number", sku=5),
    *(not_created(f"a sku that is {kind}", sku=text) for kind, text in HOSTILE.items()),
    *(created(f"a name that is {kind}", name=text) for kind, text in HOSTILE.items()),
    created("a name of 2 characters", name="ab"),
    created("a name of 200 characters", name="é" * 200),
    not_created("a name of 1 character", name="a"),
    not_created("a name of 201 characters", name="a" * 201),
    not_created("a name with a NUL", name="nul\0"),
    not_created("a name that is null", name=None),
    created("a price of 0.01", price=0.01),
    created("a price of 9,999,999,999.99", price=9_999_999_999.99),
    not_created("a price of 0", price=0),
    not_created("a negative price", price=-0.01),
    not_created("a price of three decimals", price=0.001),
    not_created("a price of 10,000,000,000", price=10_000_000_000),
    not_created("a price that is a string", price="1.50"),
    not_created("a price that is true", price=True),
    created("a stock of 0", stock=0),
    created("a stock of 1,000,000", stock=1_000_000),
    not_created("a negative stock", stock=-1),
    not_created("a stock of 1,000,001", stock=1_000_001),
    not_created("a stock of half a unit", stock=1.5),
    not_created("a stock of 2^70", stock=2**70),
    not_created("an unknown field", colour="red"),
    not_created("every field wrong", sku="", name="", price=0, stock=-1),
    Case("a product without fields", posts("/products/", {}), 422, fields=tuple(NEVER_MADE)),
    Case(
        "a sku that exists",
        lambda tester, it: tester.shop.create_product({**tester.new_product(), "sku": it.key}),
        409,
        detail="Product with SKU '{it.key}' already exists",
        code="duplicate_sku",
    ),
    Case(
        "a change to a sku that exists",
        lambda tester, it: tester.shop.update_product(it.id, sku=tester.own["product"].key),
        409,
        "spare",
        code="duplicate_sku",
    ),
    by_shop(
        "a change without fields", "spare", lambda shop, it: shop.update_product(it.id), 200, holds=is_it
    ),
    by_shop(
        "a change at the limits",
        "spare",
        lambda shop, it: shop.update_product(it.id, price=0.01, stock=1_000_000),
        200,
        holds=lambda body, _it: (body["price"], body["stock"]) == (0.01, 1_000_000),
    ),
    not_changed("a change to a price of 0", price=0),
    not_changed("a change to a stock of 1,000,001", stock=1_000_001),
    not_changed("a change to wrong fields", sku="a b", name="a", stock=None),
    not_changed("a change of an unknown field", id=1),
    Case(
        "a product with orders is not deleted",
        lambda tester, _it: tester.shop.delete_product(tester.own["product"].id),
        409,
        "pending",
    ),
    by_shop(
        "a sku is found in lower case",
        "product",
        lambda shop, it: shop.view_product_by_sku(it.key.lower()),
        200,
        holds=is_it,
    ),
    by_shop(
        "the largest withdrawal takes the whole stock",
        "spare",
        lambda shop, it: shop.adjust_stock(it.id, -(2**31), "all of it"),
        200,
        holds=lambda body, _it: body["stock"] == 0,
    ),
    by_shop(
        "an adjustment of 0",
        "spare",
        lambda shop, it: shop.adjust_stock(it.id, 0, HOSTILE["SQL"]),
        200,
        holds=lambda body, _it: body["applied"] == 0,
    ),
    by_shop(
        "a stock is not raised over 1,000,000",
        "spare",
        lambda shop, it: shop.adjust_stock(it.id, 2**31 - 1, "far too much"),
        422,
    ),
    not_adjusted("an adjustment below 32 bits", "adjustment", adjustment=-(2**31) - 1),
    not_adjusted("an adjustment above 32 bits", "adjustment", adjustment=2**31),
    not_adjusted("an adjustment of half a unit", "adjustment", adjustment=0.5),
    not_adjusted("an adjustment without units", "adjustment", reason="none"),
    not_adjusted("a reason with a NUL", "reason", adjustment=1, reason="nul\0"),
    Case("a reason of 500 characters", with_reason_of(500), 200, "spare"),
    Case("a reason of 501 characters", with_reason_of(501), 422, "spare", fields=("reason",)),
]

ORDERS = [
    *(of_quantity(quantity, 201) for quantity in (1, 10_000)),
    *(of_quantity(quantity, 422) for quantity in (-1, 0, 10_001)),
    not_placed("a quantity that is a string", quantity="1"),
    not_placed("a quantity of half a unit", quantity=1.5),
    not_placed("an order of nulls", product_id=None, quantity=None),
    not_placed("an order of a 64-bit id", product_id=2**63),
    not_placed("an order of an unknown field", status="PAID"),
    by_shop(
        "an order of more than the stock",
        "scarce",
        lambda shop, it: shop.place_order(it.id, FEW + 1),
        409,
        f"Insufficient stock. Available: {FEW}, Requested: {FEW + 1}",
        code="insufficient_stock",
    ),
    with_key("a key of 200 characters", lambda key: key.ljust(200, "x")),
    with_key("a key that is SQL", lambda key: key + HOSTILE["SQL"]),
    with_key("a key of 201 characters", lambda key: key.ljust(201, "x"), "Idempotency-Key"),
    with_key("a key that is not ASCII", lambda key: key + "é", "Idempotency-Key"),
    Case(
        "a key of no characters",
        posts("/orders/", ORDER_OF_NOBODYS, key=""),
        422,
        fields=("Idempotency-Key",),
    ),
    again("the key of a pending order again", "pending", 1, 201),
    again("the key of a paid order again", "paid", 1, 201),
    again("the key of a canceled order again", "canceled", 1, 201),
    again("the key of an order with another quantity", "pending", 2, 422),
    by_shop(
        "an order's value is its price × quantity",
        "shipped",
        lambda shop, it: shop.view_order(it.id),
        200,
        holds=lambda body, _it: body["total_value"] == round(body["product"]["price"] * body["quantity"], 2),
    ),
    too_late(Shop.pay_order, "paid", "Cannot mark order as paid"),
    too_late(Shop.pay_order, "canceled", "Cannot mark order as paid"),
    too_late(Shop.ship_order, "pending", "Cannot ship order"),
    too_late(Shop.ship_order, "shipped", "Cannot ship order"),
    too_late(Shop.cancel_order, "shipped", "Cannot cancel a shipped order"),
    too_late(Shop.delete_order, "shipped", "Cannot cancel a shipped order"),
    by_shop(
        "a canceled order is canceled again",
        "canceled",
        lambda shop, it: shop.cancel_order(it.id),
        200,
        holds=lambda body, _it: body["status"] == "CANCELED",
    ),
    by_shop(
        "DELETE is a cancel",
        "canceled",
        lambda shop, it: shop.delete_order(it.id),
        200,
        holds=lambda body, it: body["message"] == f"Order {it.id} canceled successfully",
    ),
    by_shop(
        "a pending order of 10,000",
        "pending",
        lambda shop, it: shop.update_order(it.id, quantity=10_000),
        200,
        holds=lambda body, it: (body["id"], body["quantity"]) == (it.id, 10_000),
    ),
    by_shop(
        "a pending order of 10,001",
        "pending",
        lambda shop, it: shop.update_order(it.id, quantity=10_001),
        422,
        fields=("quantity",),
    ),
    by_shop(
        "a paid order keeps its quantity",
        "paid",
        lambda shop, it: shop.update_order(it.id, quantity=2),
        422,
        "Cannot change quantity for PAID orders",
    ),
    by_shop(
        "a pending order does not become shipped",
        "pending",
        lambda shop, it: shop.update_order(it.id, status="SHIPPED"),
        422,
        "Invalid status transition from PENDING to SHIPPED",
    ),
    by_shop(
        "a status does not follow itself",
        "pending",
        lambda shop, it: shop.update_order(it.id, status="PENDING"),
        422,
        "Invalid status transition from PENDING to PENDING",
    ),
    Case(
        "an unknown status",
        sends("PUT", "/orders/{it.id}", "/orders/{id}", {"status": "LOST"}),
        422,
        "pending",
        fields=("status",),
    ),
    Case(
        "a deletion with force=perhaps",
        sends("DELETE", "/orders/{it.id}?force=perhaps", "/orders/{id}"),
        422,
        "pending",
        fields=("force",),
    ),
]


def product_there_is(it: Owned) -> Json:
    return {**NEVER_MADE, "sku": it.key}


LINES = {0: 422, 1000: 200, 1001: 422}
BULK = [
    *(bulk("products", lines, status, product_there_is) for lines, status in LINES.items()),
    *(bulk("orders", lines, status, lambda _it: ORDER_OF_NOBODYS) for lines, status in LINES.items()),
    Case("a wrong line of products", posts("/products/bulk", {"products": [NEVER_MADE, {}]}), 422),
    Case("a wrong line of orders", posts("/orders/bulk", {"orders": [ORDER_OF_NOBODYS, {}]}), 422),
]

LISTS = [
    asks("a first page of 1", "/products/?page=1&per_page=1"),
    asks("a page of 100", "/products/?per_page=100"),
    asks("page 0", "/products/?page=0", "page"),
    asks("a page of 101", "/products/?per_page=101", "per_page"),
    asks("a page of 0", "/orders/?per_page=0", "per_page"),
    asks("prices that are not numbers", "/products/?min_price=cheap&max_price=inf", "min_price", "max_price"),
    asks("in_stock_only=perhaps", "/products/?in_stock_only=perhaps", "in_stock_only"),
    *(asks(f"a search for {kind}", f"/products/?search={quote(text)}") for kind, text in HOSTILE.items()),
    asks("a search for a NUL", "/products/?search=%00", "search"),
    asks("a page of 100 orders", "/orders/?per_page=100"),
    asks("a page of 101 orders", "/orders/?per_page=101", "per_page"),
    asks("orders of an unknown status", "/orders/?status=LOST", "status"),
    asks("1 recent order", "/orders/recent?limit=1"),
    asks("50 recent orders", "/orders/recent?limit=50"),
    asks("0 recent orders", "/orders/recent?limit=0", "limit"),
    asks("51 recent orders", "/orders/recent?limit=51", "limit"),
]

NO_IDS = ("-1", "abc", "1.5", "1e3", str(2**63), "9" * 40, "%00", "%D9%A1", "1%20OR%201=1", "..%2F1")
NO_PRODUCT: dict[str, Any] = {"detail": f"Product with ID {NOBODYS} not found", "code": "product_not_found"}
NO_ORDER: dict[str, Any] = {"detail": f"Order with ID {NOBODYS} not found"}
UNKNOWN = [
    *(
        by_shop(says, "product", act, 404, **NO_PRODUCT)
        for says, act in {
            "an unknown product": lambda shop, _it: shop.view_product(NOBODYS),
            "a change of an unknown product": lambda shop, _it: shop.update_product(NOBODYS, price=1.5),
            "a deletion of an unknown product": lambda shop, _it: shop.delete_product(NOBODYS),
            "an adjustment of an unknown product": lambda shop, _it: shop.adjust_stock(NOBODYS, 1, "lost"),
            "an order of an unknown product": lambda shop, _it: shop.place_order(NOBODYS, 1),
        }.items()
    ),
    *(
        by_shop(says, "product", act, 404, **NO_ORDER)
        for says, act in {
            "an unknown order": lambda shop, _it: shop.view_order(NOBODYS),
            "a change of an unknown order": lambda shop, _it: shop.update_order(NOBODYS, quantity=1),
            "a payment of an unknown order": lambda shop, _it: shop.pay_order(NOBODYS),
            "a shipment of an unknown order": lambda shop, _it: shop.ship_order(NOBODYS),
            "a cancel of an unknown order": lambda shop, _it: shop.cancel_order(NOBODYS),
            "a deletion of an unknown order": lambda shop, _it: shop.delete_order(NOBODYS),
            "a forced deletion of an unknown order": lambda shop, _it: shop.delete_order(NOBODYS, force=True),
        }.items()
    ),
    by_shop(
        "an unknown sku",
        "product",
        lambda shop, _it: shop.view_product_by_sku("NEVER-MADE"),
        404,
        "Product with SKU 'NEVER-MADE' not found",
    ),
    *(
        Case(f"a sku in the path that is {kind}", asks_for(path, "/products/sku/{sku}"), 404)
        for kind, path in ((kind, f"/products/sku/{quote(text, safe='')}") for kind, text in HOSTILE.items())
    ),
    *(
        Case(f"/{what}/{text[:20]} is not an id", asks_for(f"/{what}/{text}", f"/{what}/{{id}}"), 404)
        for what in ("products", "orders")
        for text in NO_IDS
    ),
    Case("an unknown path", sends("GET", "/nowhere", NOWHERE), 404),
]

MALFORMED = {
    "empty": b"",
    "incomplete JSON": b'{"sku": "NEVER-MADE", ',
    "JSON with text after it": b"{} x",
    "not UTF-8": b'{"sku": "\xff"}',
    "half a surrogate pair": b'{"sku": "\\ud800"}',
    "a price of NaN": b'{"sku": "NEVER-MADE", "name": "Never made", "price": NaN, "stock": 1}',
    "nested too deeply": b"[" * 10_000,
}
JSON_ORDER = b'{"product_id": %d, "quantity": 1}' % NOBODYS
ORDERED_TWICE = b'{"product_id": %d, "quantity": "x", "quantity": 1}' % NOBODYS
OTHER_TYPES = ("text/plain", "application/xml", "application/x-www-form-urlencoded")
MEBIBYTE = 2**20
WRONG_METHODS = {
    "PATCH /products/{id}": "/products/{it.id}",
    "POST /products/{id}": "/products/{it.id}",
    "DELETE /products/": "/products/",
    "PUT /orders/": "/orders/",
    "GET /orders/{id}/pay": "/orders/{it.id}/pay",
    "DELETE /orders/bulk": "/orders/bulk",
    "POST /health": "/health",
    "PUT /summary": "/summary",
}
REQUESTS = [
    *(
        Case(f"a body for {path} that is {what}", posts(path, body), 400)
        for path in ("/products/", "/orders/")
        for what, body in MALFORMED.items()
    ),
    *(
        Case(f"an order that is {body.decode()}", posts("/orders/", body), 422)
        for body in (b"[]", b"null", b"5", b'"text"')
    ),
    Case("a field given twice", posts("/orders/", ORDERED_TWICE), 422, fields=("body",)),
    *(
        Case(f"a Content-Type of {media_type}", posts("/orders/", JSON_ORDER, media_type=media_type), 415)
        for media_type in OTHER_TYPES
    ),
    Case(
        "a Content-Type with a charset",
        posts("/orders/", JSON_ORDER, media_type="application/json; charset=utf-8"),
        404,
    ),
    Case("a body of 1 MiB", posts("/orders/", JSON_ORDER.ljust(MEBIBYTE)), 404),
    Case("a body over 1 MiB", posts("/orders/", JSON_ORDER.ljust(MEBIBYTE + 1)), 413),
    *(
        Case(f"{request} is not allowed", sends(request.split()[0], path, request.split()[1]), 405)
        for request, path in WRONG_METHODS.items()
    ),
]

CASES: list[Case] = [*PRODUCTS, *ORDERS, *BULK, *LISTS, *UNKNOWN, *REQUESTS]

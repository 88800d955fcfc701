"""The answers of the server to the shop's customers: as the API would send them, but always the same."""

from __future__ import annotations

import json

from bench.server import Rule

ORDER = {
    "id": 1234,
    "product_id": 17,
    "quantity": 3,
    "status": "PENDING",
    "created_at": "2026-12-01T12:00:00.123456+00:00",
}
PRODUCT = {"id": 17, "sku": "SEED-LAPTOP-0017", "name": "Bamboo Laptop 17", "price": 19.99, "stock": 20000}


def rules() -> list[Rule]:
    """Return the rules for all requests of OrderProcessingUser and of the peers' locustfile."""
    page = {"total": 1000, "page": 1, "per_page": 20, "total_pages": 50}
    products = {"products": [{**PRODUCT, "id": number} for number in range(1, 21)], **page}
    orders = {"orders": [{**ORDER, "id": number} for number in range(1, 21)], **page}
    details = {**ORDER, "product": PRODUCT, "total_value": 59.97}
    return [
        Rule("GET", "/products/", _encoded(products)),
        Rule("POST", "/orders/1234/", _encoded(ORDER)),  # /pay, /ship and /cancel
        Rule("POST", "/orders/", _encoded(ORDER), "201 Created"),
        Rule("GET", "/orders/?", _encoded(orders)),
        Rule("GET", "/orders/1234", _encoded(details)),
    ]


def _encoded(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()

"""One visit to the shop: every route once, over one connection; each request is timed."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

from bench import BenchError

_keys = (f"visit/{time.time_ns()}/{number}" for number in itertools.count())


class Visitor:
    """A client that visits an API again and again. `times` has the milliseconds of all requests by route."""

    def __init__(self, url: str, products: int) -> None:
        """The catalogue has products with the ids from 1 to `products`."""
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        self._products = itertools.cycle(range(1, products + 1))
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    def visit(self) -> None:
        """Use every route once, the changing ones on products and orders of its own."""
        self._read_products(next(self._products))
        self._change_products()
        self._read_orders(next(self._products))
        self._change_orders(next(self._products))
        for path in ("/", "/health", "/summary", "/metrics", "/openapi.json", "/docs"):
            self._send("GET", path, path)

    def _read_products(self, product: int) -> None:
        self._send("GET", "/products/", "/products/?page=1")
        self._send("GET", "/products/ (page 3)", "/products/?page=3")
        self._send("GET", "/products/?search", f"/products/?search=number+{product}+of")
        self._send("GET", "/products/?min_price&max_price", "/products/?min_price=10&max_price=12")
        self._send("GET", "/products/?in_stock_only", "/products/?in_stock_only=true")
        self._send("GET", "/products/?low_stock_threshold", "/products/?low_stock_threshold=10")
        self._send("GET", "/products/{id}", f"/products/{product}")
        self._send("GET", "/products/sku/{sku}", f"/products/sku/GROWN-{product}")

    def _change_products(self) -> None:
        new = [{**_NEW, "sku": f"V-{time.time_ns()}-{number}"} for number in range(6)]
        made = self._send("POST", "/products/", "/products/", new[0])["id"]
        self._send("PUT", "/products/{id}", f"/products/{made}", {"price": 12.5})
        adjust = f"/products/{made}/stock/adjust"
        self._send("POST", "/products/{id}/stock/adjust", adjust, {"adjustment": 5, "reason": "more"})
        self._send("DELETE", "/products/{id}", f"/products/{made}")
        bulk = self._send("POST", "/products/bulk", "/products/bulk", {"products": new[1:]})
        for line in bulk["created"]:
            self._send("DELETE", "/products/{id}", f"/products/{line['id']}")

    def _read_orders(self, product: int) -> None:
        self._send("GET", "/orders/", "/orders/?page=1")
        self._send("GET", "/orders/ (page 40)", "/orders/?page=40")
        self._send("GET", "/orders/?status", "/orders/?status=PENDING")
        self._send("GET", "/orders/?product_id", f"/orders/?product_id={product}")
        self._send("GET", "/orders/recent", "/orders/recent?limit=20")

    def _change_orders(self, product: int) -> None:
        order = self._place(product)
        self._send("GET", "/orders/{id}", f"/orders/{order}")
        self._send("PUT", "/orders/{id}", f"/orders/{order}", {"quantity": 2})
        for act in ("pay", "ship"):
            self._send("POST", f"/orders/{{id}}/{act}", f"/orders/{order}/{act}")
        self._send("POST", "/orders/{id}/cancel", f"/orders/{self._place(product)}/cancel")
        self._send("DELETE", "/orders/{id}", f"/orders/{self._place(product)}")
        self._send("DELETE", "/orders/{id}?force", f"/orders/{self._place(product)}?force=true")
        lines = [{"product_id": product, "quantity": 1}] * 5
        self._send("POST", "/orders/bulk", "/orders/bulk", {"orders": lines})

    def _place(self, product: int) -> int:
        body = {"product_id": product, "quantity": 1}
        return int(self._send("POST", "/orders/", "/orders/", body)["id"])

    def _send(self, method: str, route: str, path: str, body: Any = None) -> Any:
        """Send a request, and return its answer if it is JSON. Raises BenchError if it is refused."""
        headers = {"Idempotency-Key": next(_keys), "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        self._connection.request(method, path, content, headers if content else {})
        answer = self._connection.getresponse()
        text = answer.read()
        self.times[f"{method} {route}"].append((time.perf_counter() - began) * 1000)
        if answer.status >= 400:
            raise BenchError(f"{method} {path}: {answer.status} {text[:200].decode()}")
        return json.loads(text) if answer.getheader("content-type") == "application/json" else None


_NEW = {"name": "A new article", "price": 9.99, "stock": 100}

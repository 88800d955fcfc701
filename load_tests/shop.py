"""The shop as its users meet it: one method per request of the API, and the user that has them at hand.

Needs nothing but `locust` and `faker`.
"""

import itertools
import json
import logging
import random
import re
import time
from collections import deque
from collections.abc import Set
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlencode

from faker import Faker
from locust import FastHttpUser, events
from locust.env import Environment

SEED = 2026
"""The same seed, the same names, prices, choices and waits of each user. SKUs differ from run to run."""

TIMEOUT = 10.0
"""Seconds until a connection, or the next part of an answer, is given up."""

log = logging.getLogger(__name__)

Json = dict[str, Any]

OK: Set[int] = frozenset({200})
OK_OR_GONE: Set[int] = frozenset({200, 404})
OK_OR_REFUSED: Set[int] = frozenset({200, 404, 422})  # 422: another status allows no such step
CREATED: Set[int] = frozenset({201})
PLACED_OR_SOLD_OUT: Set[int] = frozenset({201, 404, 409})
CHANGED_OR_REFUSED: Set[int] = frozenset({200, 404, 409, 422})
DELETED_OR_ORDERED: Set[int] = frozenset({204, 404, 409})  # 409: orders refer to it

_ANY_STATUS = frozenset(range(100, 600))
_IDENTITY = {"Accept-Encoding": "identity"}


class Answer:
    """What came back. `status` is 0 without a complete answer: what the server did is then unknown."""

    __slots__ = ("content", "status")

    def __init__(self, status: int, content: bytes) -> None:
        self.status = status
        self.content = content

    def json(self) -> Any:
        return json.loads(self.content)


class Shop:
    """Each method makes one request, counted under its route as the contract writes it.

    Refusals that belong to a shop's day (sold out, no longer there, no such step) are outcomes and
    count as successes; every other answer, and none, is a failure.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        client.client.valid_response_codes = _ANY_STATUS  # judged below; Locust would write a log of each 409

    # Products

    def list_products(self, page: int = 1, per_page: int = 20) -> Answer:
        return self.request("GET", f"/products/?page={page}&per_page={per_page}", "/products/", OK)

    def search_products(self, **filters: str | float) -> Answer:
        """Filters: search, min_price, max_price, in_stock_only ("true"), low_stock_threshold."""
        return self.request("GET", "/products/?" + urlencode(filters), "/products/?filter", OK)

    def view_product(self, product_id: int) -> Answer:
        return self.request("GET", f"/products/{product_id}", "/products/{id}", OK_OR_GONE)

    def view_product_by_sku(self, sku: str) -> Answer:
        return self.request("GET", f"/products/sku/{sku}", "/products/sku/{sku}", OK_OR_GONE)

    def create_product(self, product: Json) -> Answer:
        """No refusal is expected: a SKU that exists already means that two users share theirs."""
        return self.request("POST", "/products/", "/products/", CREATED, product)

    def update_product(self, product_id: int, **changes: str | float) -> Answer:
        return self.request("PUT", f"/products/{product_id}", "/products/{id}", OK_OR_GONE, changes)

    def delete_product(self, product_id: int) -> Answer:
        return self.request("DELETE", f"/products/{product_id}", "/products/{id}", DELETED_OR_ORDERED)

    def adjust_stock(self, product_id: int, adjustment: int, reason: str) -> Answer:
        path, route = f"/products/{product_id}/stock/adjust", "/products/{id}/stock/adjust"
        return self.request("POST", path, route, OK_OR_GONE, {"adjustment": adjustment, "reason": reason})

    def create_products(self, products: list[Json]) -> Answer:
        return self.request("POST", "/products/bulk", "/products/bulk", OK, {"products": products})

    # Orders

    def place_order(self, product_id: int, quantity: int, key: str | None = None) -> Answer:
        """The same `key` again places no second order."""
        body = {"product_id": product_id, "quantity": quantity}
        return self.request("POST", "/orders/", "/orders/", PLACED_OR_SOLD_OUT, body, key)

    def list_orders(self, page: int = 1, per_page: int = 20) -> Answer:
        return self.request("GET", f"/orders/?page={page}&per_page={per_page}", "/orders/", OK)

    def search_orders(self, **filters: str | int) -> Answer:
        """Filters: status, product_id."""
        return self.request("GET", "/orders/?" + urlencode(filters), "/orders/?filter", OK)

    def recent_orders(self, limit: int = 10) -> Answer:
        return self.request("GET", f"/orders/recent?limit={limit}", "/orders/recent", OK)

    def view_order(self, order_id: int) -> Answer:
        return self.request("GET", f"/orders/{order_id}", "/orders/{id}", OK_OR_GONE)

    def update_order(self, order_id: int, **changes: str | int) -> Answer:
        return self.request("PUT", f"/orders/{order_id}", "/orders/{id}", CHANGED_OR_REFUSED, changes)

    def pay_order(self, order_id: int) -> Answer:
        return self.request("POST", f"/orders/{order_id}/pay", "/orders/{id}/pay", OK_OR_REFUSED)

    def ship_order(self, order_id: int) -> Answer:
        return self.request("POST", f"/orders/{order_id}/ship", "/orders/{id}/ship", OK_OR_REFUSED)

    def cancel_order(self, order_id: int) -> Answer:
        return self.request("POST", f"/orders/{order_id}/cancel", "/orders/{id}/cancel", OK_OR_REFUSED)

    def delete_order(self, order_id: int, force: bool = False) -> Answer:
        """Without `force` it is a cancel: the order stays."""
        query, expected = ("?force=true", OK_OR_GONE) if force else ("", OK_OR_REFUSED)
        return self.request("DELETE", f"/orders/{order_id}{query}", "/orders/{id}", expected)

    def place_orders(self, orders: list[Json], key: str | None = None) -> Answer:
        return self.request("POST", "/orders/bulk", "/orders/bulk", OK, {"orders": orders}, key)

    # Monitoring

    def welcome(self) -> Answer:
        return self.request("GET", "/", "/", OK)

    def health(self) -> Answer:
        return self.request("GET", "/health", "/health", OK)

    def summary(self) -> Answer:
        return self.request("GET", "/summary", "/summary", OK)

    def documentation(self) -> Answer:
        return self.request("GET", "/docs", "/docs", OK)

    def openapi(self) -> Answer:
        return self.request("GET", "/openapi.json", "/openapi.json", OK)

    def request(
        self,
        method: str,
        path: str,
        route: str,
        expected: Set[int],
        body: Json | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send what no method above sends; `expected` statuses are successes. The only use of the client."""
        headers = {**_IDENTITY, "Idempotency-Key": key} if key else _IDENTITY
        with self._client.request(
            method, path, name=route, json=body, headers=headers, catch_response=True
        ) as response:
            error = response.request_meta["exception"]
            answer = Answer(0, b"") if error else Answer(response.status_code, response.content or b"")
            if answer.status in expected:
                response.success()
            else:
                # Locust counts failures by their text: no ids and no addresses in it.
                response.failure(f"{method} {route}: {_name(error) if error else answer.status}")
        if log.isEnabledFor(logging.DEBUG):
            outcome = "expected" if answer.status in expected else "FAILURE"
            log.debug("%s %s %s -> %s, %s", method, path, body or "", answer.status, outcome)
            log.debug("%.0f ms: %s", response.request_meta["response_time"], error or answer.content[:300])
        return answer


def _name(error: Exception) -> str:
    """Its kind; geventhttpclient wraps a time-out in its RetriesExceeded, also where nothing was retried."""
    return type(getattr(error, "original", None) or error).__name__


@cache
def product_names() -> tuple[str, ...]:
    """A pool, filled once: making each value when it is needed would be paid for by the load."""
    fake = Faker()
    fake.seed_instance(SEED)
    return tuple(fake.catch_phrase() for _ in range(1000))


class Run:
    """What tells the users of a run apart, and from those of every other run and worker.

    SKUs read `RUN-INDEX-WORKER-USER-NUMBER`: at most 49 characters of `A-Z 0-9 - _`. The index says
    little alone: each master counts from 0, and so does each Locust that runs without one.
    """

    current: ClassVar["Run | None"] = None

    def __init__(self, environment: Environment) -> None:
        run_id = getattr(environment.parsed_options, "run_id", None)  # set where an engine starts the run
        run_id = run_id or time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        runner: Any = environment.runner
        self.worker_index: int = getattr(runner, "worker_index", 0)
        worker = getattr(runner, "client_id", "0")[-6:]
        prefix = f"{run_id[:24]}-{self.worker_index}-{worker}".upper()
        self.sku_prefix = re.sub(r"[^A-Z0-9_-]", "-", prefix)
        self.user_numbers = itertools.count(1)

    @classmethod
    def begin(cls, environment: Environment, **_: Any) -> "Run":
        run = cls.current = cls(environment)
        random.seed(f"{SEED}/{run.worker_index}")  # Locust draws tasks and waits from this one
        return run


events.test_start.add_listener(Run.begin)


class ShopUser(FastHttpUser):
    """Somebody at the shop. Extend it: `self.shop` sends requests, `self.random` is repeatable chance."""

    abstract = True
    connection_timeout = TIMEOUT
    network_timeout = TIMEOUT
    max_redirects = 0  # the contract has none; one that is followed would be a request nobody counts

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        run = Run.current or Run.begin(environment)
        number = next(run.user_numbers)
        self.shop = Shop(self.client)
        self.random = random.Random(f"{SEED}/{run.worker_index}/{number}")
        self.products: deque[int] = deque(maxlen=100)
        """Ids from the pages it has listed lately."""
        self._pages = 1
        self._sku_prefix = f"{run.sku_prefix}-{number}"
        self._sku_numbers = itertools.count(1)

    def browse(self) -> None:
        """List some page of the catalogue and remember what is on it."""
        answer = self.shop.list_products(page=self.random.randint(1, self._pages))
        if answer.status == 200:
            page = answer.json()
            self._pages = max(1, page["total_pages"])
            self.products.extend(product["id"] for product in page["products"])

    def new_product(self) -> Json:
        """A product that nobody else makes."""
        return {
            "sku": f"{self._sku_prefix}-{next(self._sku_numbers)}",
            "name": self.random.choice(product_names()),
            "price": self.price(),
            "stock": self.random.randint(50, 500),
        }

    def price(self) -> float:
        return self.random.randint(100, 99_999) / 100

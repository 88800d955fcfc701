"""The client of the API: one method for each request.

Needs nothing but `locust`.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from load_tests.answer import Answer, Check, Json
from load_tests.consistency import NOT_AS_DOCUMENTED, has_id, has_lines, has_page
from load_tests.notes import Notes, product_facts

TIMEOUT = 10.0
"""The longest wait for a connection, or for the next part of an answer, in seconds."""

log = logging.getLogger(__name__)

OK: Set[int] = frozenset({200})
OK_OR_GONE: Set[int] = frozenset({200, 404})
OK_OR_REFUSED: Set[int] = frozenset({200, 404, 422})  # 422: the order's status does not allow it
CREATED: Set[int] = frozenset({201})
PLACED_OR_SOLD_OUT: Set[int] = frozenset({201, 404, 409})
CHANGED_OR_REFUSED: Set[int] = frozenset({200, 404, 409, 422})
DELETED_OR_ORDERED: Set[int] = frozenset({204, 404, 409})  # 409: the product has orders
ANY_STATUS: Set[int] = frozenset(range(1000))

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds before an order with an unknown outcome is repeated; the pause doubles each time."""

LONGEST_BACK_OFF, BACK_OFF_STEP = 30.0, 1.0
"""Seconds: the longest wait after a Retry-After, and the pause between two checks whether users stop."""

READ_BY_USERS: dict[str, Check] = {
    "GET /products/": has_page,
    "GET /products/sku/{sku}": has_id,
    "POST /products/": has_id,
    "POST /products/bulk": has_lines,
    "POST /orders/": has_id,
    "POST /orders/bulk": has_lines,
}
"""Checks that an answer has what users read of it, by method and route."""

_IDENTITY = {"Accept-Encoding": "identity"}


class Shop:
    """The client: each method makes one request, counted under its route as the contract writes it.

    Expected refusals (sold out, deleted, wrong status) count as successes. Every other refusal is a failure,
    and so is a request without an answer. Each act on the shop is written to the ledger before it is sent,
    and again with its outcome. An order with an unknown outcome is sent again under its key, until its
    outcome is known or `is_stopping`. After an answer with Retry-After, the user waits that long.
    """

    def __init__(
        self,
        client: Any,
        ledger: Any,
        new_key: Callable[[], str],
        is_stopping: Callable[[], bool],
        is_overload: bool = False,
    ) -> None:
        """With `is_overload`, a 503 with Retry-After is expected, and counts as a success."""
        self._client = client
        self._notes = Notes(ledger)
        self._new_key = new_key
        self._is_stopping = is_stopping
        self._is_overload = is_overload
        self._expectation: tuple[Set[int], Check | None] | None = None
        # Each status is judged below; a client would log each 409. FastHttpUser's has another client inside.
        getattr(client, "client", client).valid_response_codes = ANY_STATUS

    @contextmanager
    def expecting(self, statuses: Set[int], check: Check | None = None) -> Iterator[None]:
        """Change which answers succeed inside the block: these statuses, and only if `check` returns None."""
        self._expectation = statuses, check
        try:
            yield
        finally:
            self._expectation = None

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

    def create_product(self, product: Json, race: bool = False) -> Answer:
        """Create a product. No refusal is expected: an existing SKU means that two users make the same SKUs.

        `race` records in the ledger that users will order more units than the product has.
        """
        entry = self._notes.attempt("create", **product_facts(product), **({"race": True} if race else {}))
        answer = self.request("POST", "/products/", "/products/", CREATED, product)
        return self._notes.settle(entry, answer, product_id="id")

    def update_product(self, product_id: int, **changes: str | float) -> Answer:
        entry = self._notes.attempt("change_product", product_id=product_id, **changes)
        answer = self.request("PUT", f"/products/{product_id}", "/products/{id}", OK_OR_GONE, changes)
        return self._notes.settle(entry, answer)

    def delete_product(self, product_id: int) -> Answer:
        entry = self._notes.attempt("delete_product", product_id=product_id)
        answer = self.request("DELETE", f"/products/{product_id}", "/products/{id}", DELETED_OR_ORDERED)
        return self._notes.settle(entry, answer)

    def adjust_stock(self, product_id: int, adjustment: int, reason: str, key: str | None = None) -> Answer:
        """Adjust the stock. The key is added to the reason, which the API stores with the stock movement."""
        reason = f"{reason} {key or self._new_key()}"
        path, route = f"/products/{product_id}/stock/adjust", "/products/{id}/stock/adjust"
        entry = self._notes.attempt("adjust", product_id=product_id, adjustment=adjustment, key=reason)
        answer = self.request("POST", path, route, OK_OR_GONE, {"adjustment": adjustment, "reason": reason})
        return self._notes.settle(entry, answer, applied="applied", stock="stock")

    def create_products(self, products: list[Json]) -> Answer:
        entries = [self._notes.attempt("create", **product_facts(product), bulk=True) for product in products]
        answer = self.request("POST", "/products/bulk", "/products/bulk", OK, {"products": products})
        return self._notes.settle_lines(entries, answer, "product_id")

    # Orders

    def place_order(self, product_id: int, quantity: int, key: str | None = None) -> Answer:
        """Place an order; a second call with the same `key` does not place a second order."""
        key = key or self._new_key()
        body = {"product_id": product_id, "quantity": quantity}
        entry = self._notes.attempt("order", key=key, **body)
        answer, tries = self._until_known(
            lambda: self.request("POST", "/orders/", "/orders/", PLACED_OR_SOLD_OUT, body, key)
        )
        entry["tries"] = tries
        return self._notes.settle(entry, answer, order_id="id")

    def list_orders(self, page: int = 1, per_page: int = 20) -> Answer:
        return self.request("GET", f"/orders/?page={page}&per_page={per_page}", "/orders/", OK)

    def search_orders(self, **filters: str | int) -> Answer:
        """Filters: status, product_id."""
        return self.request("GET", "/orders/?" + urlencode(filters), "/orders/?filter", OK)

    def recent_orders(self, limit: int = 10) -> Answer:
        return self.request("GET", f"/orders/recent?limit={limit}", "/orders/recent", OK)

    def view_order(self, order_id: int) -> Answer:
        answer = self.request("GET", f"/orders/{order_id}", "/orders/{id}", OK_OR_GONE)
        if answer.status == 200:
            self._notes.settle(
                self._notes.attempt("total", order_id=order_id), answer, total_value="total_value"
            )
        return answer

    def update_order(self, order_id: int, quantity: int | None = None, status: str | None = None) -> Answer:
        changes = {"quantity": quantity, "status": status}
        changes = {name: value for name, value in changes.items() if value is not None}
        entry = self._notes.attempt("change_order", order_id=order_id, quantity=quantity, to=status)
        answer = self.request("PUT", f"/orders/{order_id}", "/orders/{id}", CHANGED_OR_REFUSED, changes)
        return self._notes.settle(entry, answer)

    def pay_order(self, order_id: int) -> Answer:
        return self._step("pay", order_id)

    def ship_order(self, order_id: int) -> Answer:
        return self._step("ship", order_id)

    def cancel_order(self, order_id: int) -> Answer:
        return self._step("cancel", order_id)

    def _step(self, act: str, order_id: int) -> Answer:
        entry = self._notes.attempt(act, order_id=order_id)
        path, route = f"/orders/{order_id}/{act}", f"/orders/{{id}}/{act}"
        return self._notes.settle(entry, self.request("POST", path, route, OK_OR_REFUSED))

    def delete_order(self, order_id: int, force: bool = False) -> Answer:
        """Delete an order; without `force` it is canceled, and its row stays."""
        query, expected = ("?force=true", OK_OR_GONE) if force else ("", OK_OR_REFUSED)
        entry = self._notes.attempt("delete" if force else "cancel", order_id=order_id)
        answer = self.request("DELETE", f"/orders/{order_id}{query}", "/orders/{id}", expected)
        return self._notes.settle(entry, answer)

    def place_orders(self, orders: list[Json], key: str | None = None) -> Answer:
        """Place orders in one bulk call; the API stores line i under the key `<key>#<i>`."""
        key = key or self._new_key()
        entries = [
            self._notes.attempt("order", key=f"{key}#{index}", **order, bulk=True)
            for index, order in enumerate(orders)
        ]
        answer, tries = self._until_known(
            lambda: self.request("POST", "/orders/bulk", "/orders/bulk", OK, {"orders": orders}, key)
        )
        for entry in entries:
            entry["tries"] = tries
        return self._notes.settle_lines(entries, answer, "order_id")

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
        body: Json | bytes | None = None,
        key: str | None = None,
        media_type: str = "application/json",
    ) -> Answer:
        """Send a request; answers with an `expected` status are successes. All methods above use this one.

        A body of bytes is sent unchanged, with `media_type` as its Content-Type.
        """
        headers = _IDENTITY if key is None else {**_IDENTITY, "Idempotency-Key": key}
        content: Json = {"json": body}
        if isinstance(body, bytes):
            content, headers = {"data": body}, {**headers, "Content-Type": media_type}
        with self._client.request(
            method, path, name=route, **content, headers=headers, catch_response=True
        ) as response:
            error = response.request_meta["exception"]
            answer = Answer(0, b"") if error else _answer(response)
            fault = _name(error) if error else self._fault(answer, expected, f"{method} {route}")
            if fault is None:
                response.success()
            else:
                # Locust groups failures by their text, so it must contain no ids and no addresses.
                response.failure(f"{method} {route}: {fault}")
        if log.isEnabledFor(logging.DEBUG):
            outcome = "expected" if fault is None else "FAILURE"
            log.debug("%s %s %s -> %s, %s", method, path, body or "", answer.status, outcome)
            log.debug("%.0f ms: %s", response.request_meta["response_time"], error or answer.content[:300])
        self._back_off(answer.retry_after)
        return answer

    def _back_off(self, seconds: float) -> None:
        """Wait as long as the answer's Retry-After asks for, or until the users stop."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._is_stopping():
            time.sleep(BACK_OFF_STEP)

    def _fault(self, answer: Answer, expected: Set[int], request: str) -> str | None:
        if self._is_overload and answer.retry_after:
            return None
        statuses, check = self._expectation or (expected, None)
        if answer.status not in statuses:
            return str(answer.status)
        checks = filter(None, (READ_BY_USERS.get(request), check))
        try:
            return next(filter(None, (find_fault(answer) for find_fault in checks)), None)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return f"{answer.status}, {NOT_AS_DOCUMENTED}"

    def _until_known(self, send: Callable[[], Answer]) -> tuple[Answer, int]:
        """Send an order until its outcome is known or the users are stopping.

        Return the last answer, and how often the order was sent.
        """
        answer, tries, pause = send(), 1, FIRST_PAUSE
        while answer.outcome == "unknown" and not self._is_stopping():
            if not answer.retry_after:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            answer, tries = send(), tries + 1
        return answer, tries


def _answer(response: Any) -> Answer:
    status, content = response.status_code, response.content or b""
    if status < 400:  # nothing in the headers matters, and reading them takes long
        return Answer(status, content)
    media_type = response.headers.get("content-type") or ""
    return Answer(status, content, media_type, _retry_after(response))


def _retry_after(response: Any) -> float:
    """Return the Retry-After of a 503 in seconds; 0 if there is none, or if it is a date."""
    told = str(response.headers.get("retry-after"))
    seconds = int(told) if response.status_code == 503 and re.fullmatch(r"\d{1,9}", told, re.ASCII) else 0
    return min(seconds, LONGEST_BACK_OFF)


def _name(error: Exception) -> str:
    """Return the name of the error's class.

    geventhttpclient wraps a time-out in RetriesExceeded, even if it retried nothing: return the wrapped one.
    """
    return type(getattr(error, "original", None) or error).__name__

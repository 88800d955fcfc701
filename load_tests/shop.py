"""The shop as its users meet it: one method per request of the API.

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
from load_tests.notes import Notes, product_facts

TIMEOUT = 10.0
"""Seconds until a connection, or the next part of an answer, is given up."""

log = logging.getLogger(__name__)

OK: Set[int] = frozenset({200})
OK_OR_GONE: Set[int] = frozenset({200, 404})
OK_OR_REFUSED: Set[int] = frozenset({200, 404, 422})  # 422: another status allows no such step
CREATED: Set[int] = frozenset({201})
PLACED_OR_SOLD_OUT: Set[int] = frozenset({201, 404, 409})
CHANGED_OR_REFUSED: Set[int] = frozenset({200, 404, 409, 422})
DELETED_OR_ORDERED: Set[int] = frozenset({204, 404, 409})  # 409: orders refer to it
ANY_STATUS: Set[int] = frozenset(range(100, 600))

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds before an order without an answer is repeated; the pause doubles each time."""

LONGEST_BACK_OFF, BACK_OFF_STEP = 30.0, 1.0
"""Seconds that a user who is told to come back later waits at most; and until it looks whether to stop."""

_IDENTITY = {"Accept-Encoding": "identity"}


class Shop:
    """Each method makes one request, counted under its route as the contract writes it.

    Refusals that belong to a shop's day (sold out, no longer there, no such step) are outcomes and
    count as successes; every other answer, and none, is a failure. What acts on the shop is noted in
    the ledger before it is sent, and with what came of it; an order whose answer is unknown is sent
    again under its key, until it is known or `is_stopping`. Who is told to come back later goes on later.
    """

    def __init__(
        self,
        client: Any,
        ledger: Any,
        new_key: Callable[[], str],
        is_stopping: Callable[[], bool],
        is_overload: bool = False,
    ) -> None:
        """In an overload the shop may answer that it has too much to do, if it says when to come back."""
        self._client = client
        self._notes = Notes(ledger)
        self._new_key = new_key
        self._is_stopping = is_stopping
        self._is_overload = is_overload
        self._expectation: tuple[Set[int], Check | None] | None = None
        client.client.valid_response_codes = ANY_STATUS  # judged below; Locust would write a log of each 409

    @contextmanager
    def expecting(self, statuses: Set[int], check: Check | None = None) -> Iterator[None]:
        """What is sent inside succeeds by these statuses instead, and only if `check` finds nothing wrong."""
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
        """No refusal is expected: a SKU that exists already means that two users share theirs.

        With `race` the ledger says that more is going to be asked for than there is.
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
        """A key is added to the reason, which stands with the movement in the API's own ledger."""
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
        """The same `key` again places no second order."""
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
        """Without `force` it is a cancel: the order stays."""
        query, expected = ("?force=true", OK_OR_GONE) if force else ("", OK_OR_REFUSED)
        entry = self._notes.attempt("delete" if force else "cancel", order_id=order_id)
        answer = self.request("DELETE", f"/orders/{order_id}{query}", "/orders/{id}", expected)
        return self._notes.settle(entry, answer)

    def place_orders(self, orders: list[Json], key: str | None = None) -> Answer:
        """One call for all of them; line i is remembered as `<key>#<i>`."""
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
        """Send what no method above sends; `expected` statuses are successes. The only use of the client.

        A body of bytes is sent as it is, as the `media_type` it claims to be.
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
            fault = _name(error) if error else self._fault(answer, expected)
            if fault is None:
                response.success()
            else:
                # Locust counts failures by their text: no ids and no addresses in it.
                response.failure(f"{method} {route}: {fault}")
        if log.isEnabledFor(logging.DEBUG):
            outcome = "expected" if fault is None else "FAILURE"
            log.debug("%s %s %s -> %s, %s", method, path, body or "", answer.status, outcome)
            log.debug("%.0f ms: %s", response.request_meta["response_time"], error or answer.content[:300])
        self._back_off(answer.retry_after)
        return answer

    def _back_off(self, seconds: float) -> None:
        """Leave a shop alone that says it has too much to do."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._is_stopping():
            time.sleep(BACK_OFF_STEP)

    def _fault(self, answer: Answer, expected: Set[int]) -> str | None:
        if self._is_overload and answer.retry_after:
            return None
        statuses, check = self._expectation or (expected, None)
        if answer.status not in statuses:
            return str(answer.status)
        try:
            return check(answer) if check else None
        except (AttributeError, LookupError, TypeError, ValueError):
            return f"{answer.status}, and a body that is not as documented"

    def _until_known(self, send: Callable[[], Answer]) -> tuple[Answer, int]:
        """Send an order until its answer tells what became of it, or the users are stopping.

        Returns the last answer, and how often it was sent.
        """
        answer, tries, pause = send(), 1, FIRST_PAUSE
        while answer.outcome == "unknown" and not self._is_stopping():
            if not answer.retry_after:
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            answer, tries = send(), tries + 1
        return answer, tries


def _answer(response: Any) -> Answer:
    media_type = response.headers.get("content-type") or ""
    return Answer(response.status_code, response.content or b"", media_type, _retry_after(response))


def _retry_after(response: Any) -> float:
    """Of a 503, in seconds; a date is taken for nothing."""
    told = str(response.headers.get("retry-after"))
    seconds = int(told) if response.status_code == 503 and re.fullmatch(r"\d{1,9}", told, re.ASCII) else 0
    return min(seconds, LONGEST_BACK_OFF)


def _name(error: Exception) -> str:
    """Its kind; geventhttpclient wraps a time-out in its RetriesExceeded, also where nothing was retried."""
    return type(getattr(error, "original", None) or error).__name__

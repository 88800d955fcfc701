"""The test cases of the contract: the type Case, and functions that make cases."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from load_tests.answer import Answer, Json
from load_tests.shop import ANY_STATUS, Shop

PROBLEM = "application/problem+json"
NOBODYS = 2**63 - 1
"""The largest possible id: no product and no order has it."""
NOWHERE = "other"
"""The name under which Locust and the API count requests to unknown paths."""
PLENTY = 1_000_000
FEW = 3

NEVER_MADE: Json = {"sku": "NEVER-MADE", "name": "Never made", "price": 1.5, "stock": 3}
ORDER_OF_NOBODYS: Json = {"product_id": NOBODYS, "quantity": 1}


class Owned(NamedTuple):
    """A product or an order that the tester has created for its cases."""

    id: int
    key: str
    """The product's SKU, or the order's Idempotency-Key."""


class Tester(Protocol):
    """The user that sends the requests of the cases."""

    shop: Shop
    own: dict[str, Owned]
    new_key: Callable[[], str]

    def new_product(self) -> Json: ...


Send = Callable[[Tester, Owned], Answer]
Claim = Callable[[Json, Owned], bool]


class Case(NamedTuple):
    """One sentence of the contract, with the request that tests it.

    `needs` names the object that `send` receives. A ``product`` has a large stock. A ``spare`` product also
    has one, and no orders. A ``scarce`` product has FEW units. ``pending``, ``paid``, ``shipped`` and
    ``canceled`` are orders with that status.
    """

    says: str
    send: Send
    status: int
    needs: str = "product"
    detail: str = ""
    """Text that the refusal's detail must contain; `{it}` stands for the object that the case needs."""
    code: str = ""
    """The refusal's code, where the contract gives one."""
    fields: tuple[str, ...] = ()
    """The fields that `errors` must list, all of them and in any order."""
    holds: Claim | None = None
    """Returns whether the body of a successful answer is right."""

    def fault(self, answer: Answer, it: Owned) -> str | None:
        """Return what is wrong with the answer, or None."""
        if answer.status != self.status:
            return f"{self.says}: {answer.status} instead of {self.status}"
        wrong = self._wrong_refusal(answer, it) if answer.status >= 400 else self._wrong_body(answer, it)
        return wrong and f"{self.says}: {wrong}"

    def _wrong_body(self, answer: Answer, it: Owned) -> str | None:
        return "the body is wrong" if self.holds and not self.holds(answer.json(), it) else None

    def _wrong_refusal(self, answer: Answer, it: Owned) -> str | None:
        if answer.media_type.partition(";")[0] != PROBLEM:
            return "the refusal is not application/problem+json"
        problem = answer.json()
        said = {name for name in ("type", "title", "detail", "code") if problem.get(name)}
        if len(said) < 4 or problem["status"] != answer.status:
            return "the problem is incomplete"
        if self.code not in ("", problem["code"]):
            return f"the code is not {self.code}"
        if self.detail.format(it=it) not in problem["detail"]:
            return f"the detail does not contain {self.detail}"
        if self.fields and {error["field"] for error in problem["errors"]} != set(self.fields):
            return f"the errors do not list exactly {', '.join(self.fields)}"
        return None


def by_shop(
    says: str, needs: str, act: Callable[[Shop, Owned], Answer], status: int, detail: str = "", **more: Any
) -> Case:
    """Return a case whose request is a method of Shop."""
    return Case(says, lambda tester, it: act(tester.shop, it), status, needs, detail, **more)


def sends(method: str, path: str, route: str, body: Json | bytes | None = None, **how: str) -> Send:
    """Return a request for which Shop has no method; `{it.id}` in the path is the id of the needed object."""

    def send(tester: Tester, it: Owned) -> Answer:
        return tester.shop.request(method, path.format(it=it), route, ANY_STATUS, body, **how)

    return send


def asks_for(path: str, route: str) -> Send:
    """Return a GET of a path. An encoded slash (%2F) in it makes the path unknown."""
    return sends("GET", path, NOWHERE if "%2F" in path else route)


def posts(path: str, body: Json | bytes, **how: str) -> Send:
    return sends("POST", path, path, body, **how)


def asks(says: str, path: str, *wrong: str) -> Case:
    """Return a case that lists products or orders: answered, or refused for the `wrong` parameters."""
    return Case(says, sends("GET", path, path.partition("?")[0]), 422 if wrong else 200, fields=wrong)


# Products


def created(says: str, **fields: Any) -> Case:
    """Return a case whose product is accepted and returned as it was sent."""

    def send(tester: Tester, _it: Owned) -> Answer:
        return tester.shop.create_product({**tester.new_product(), **fields})

    return Case(says, send, 201, holds=lambda body, _it: fields.items() <= body.items())


def not_created(says: str, **wrong: Any) -> Case:
    """Return a case whose product is refused for exactly the wrong fields.

    The request is not written to the ledger, which takes valid values only.
    """
    return Case(says, posts("/products/", NEVER_MADE | wrong), 422, fields=tuple(wrong))


def not_changed(says: str, **wrong: Any) -> Case:
    send = sends("PUT", "/products/{it.id}", "/products/{id}", wrong)
    return Case(says, send, 422, "spare", fields=tuple(wrong))


def not_adjusted(says: str, field: str, **body: Any) -> Case:
    send = sends("POST", "/products/{it.id}/stock/adjust", "/products/{id}/stock/adjust", body)
    return Case(says, send, 422, "spare", fields=(field,))


def with_sku_of(length: int) -> Send:
    def send(tester: Tester, _it: Owned) -> Answer:
        product = tester.new_product()
        return tester.shop.create_product({**product, "sku": product["sku"].ljust(length, "X").lower()})

    return send


def with_reason_of(length: int) -> Send:
    """Return a withdrawal with a reason of this length, including the key that Shop adds to it."""

    def send(tester: Tester, it: Owned) -> Answer:
        key = tester.new_key()
        return tester.shop.adjust_stock(it.id, -1, "x" * (length - len(key) - 1), key)

    return send


# Orders


def of_quantity(quantity: int, status: int) -> Case:
    says, fields = f"a quantity of {quantity:,}", () if status == 201 else ("quantity",)
    return by_shop(says, "product", lambda shop, it: shop.place_order(it.id, quantity), status, fields=fields)


def not_placed(says: str, **wrong: Any) -> Case:
    """Return a case whose order is refused for exactly the wrong fields; it is not written to the ledger."""
    return Case(says, posts("/orders/", ORDER_OF_NOBODYS | wrong), 422, fields=tuple(wrong))


def with_key(says: str, make: Callable[[str], str], *wrong: str) -> Case:
    """Return a case that places an order with a key that `make` makes from a valid one."""

    def send(tester: Tester, it: Owned) -> Answer:
        return tester.shop.place_order(it.id, 1, make(tester.new_key()))

    return Case(says, send, 422 if wrong else 201, fields=wrong)


def again(says: str, needs: str, quantity: int, status: int) -> Case:
    """Return a case that repeats the key of an earlier order, which was placed for one unit."""

    def send(tester: Tester, it: Owned) -> Answer:
        return tester.shop.place_order(tester.own["product"].id, quantity, it.key)

    def is_first_answer(body: Json, it: Owned) -> bool:
        return (body["id"], body["status"], body["quantity"]) == (it.id, "PENDING", 1)

    return Case(says, send, status, needs, holds=is_first_answer)


def too_late(act: Callable[[Shop, int], Answer], status: str, detail: str) -> Case:
    """Return a case that acts on an order whose status forbids the act: too late or too early."""
    says = f"{act.__name__} where it is {status}"
    return by_shop(says, status, lambda shop, it: act(shop, it.id), 422, detail)


def bulk(what: str, lines: int, status: int, line: Callable[[Owned], Json]) -> Case:
    """Return a case of a bulk call with this many lines, each of them refused.

    The call changes nothing, and is not written to the ledger.
    """

    def send(tester: Tester, it: Owned) -> Answer:
        return posts(f"/{what}/bulk", {what: lines * [line(it)]})(tester, it)

    counts = {"success_count": 0, "failure_count": lines}
    says = f"{what}/bulk of {lines} lines"
    return Case(says, send, status, holds=lambda body, _it: counts.items() <= body.items())


def is_it(body: Json, it: Owned) -> bool:
    """Return whether the answer is about the requested object."""
    return bool(body["id"] == it.id)

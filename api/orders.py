"""Orders: each handler decodes the request, makes one call and encodes the answer."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from falcon import HTTP_201, Request, Response
from msgspec import UNSET

from api.bulk import bulk_result
from api.db import LONG_REQUEST_SECONDS, Database
from api.messages import (
    BulkResult,
    Confirmation,
    DeletionQuery,
    NewOrder,
    NewOrders,
    Order,
    OrderChange,
    OrderDetails,
    OrderPage,
    OrderQuery,
    Product,
    RecentQuery,
    encode,
)
from api.openapi import operation
from api.problems import Problem, accepted
from api.reading import none_if_unset, read_body, read_id, read_key, read_query
from api.resource import DatabaseResource


class Orders(DatabaseResource):
    """The resource at /orders/."""

    @operation(query=OrderQuery, answer=OrderPage)
    def on_get(self, request: Request, response: Response) -> None:
        """List orders, newest first; the filters combine."""
        query = read_query(request, OrderQuery)
        rows = self._database.call(
            "list_orders",
            query.page,
            query.per_page,
            none_if_unset(query.status),
            none_if_unset(query.product_id),
            # The index of a product's orders is of use for a product with few of them only.
            is_prepared=query.product_id is UNSET,
        )
        total = rows[0][0]
        orders = [Order(*row[1:]) for row in rows if row[1] is not None]
        response.data = encode(
            OrderPage(orders, total, query.page, query.per_page, -(-total // query.per_page))
        )

    @operation(
        body=NewOrder,
        takes_key=True,
        status=201,
        answer=Order,
        refusals=("product_not_found", "insufficient_stock", "idempotency_key_reused"),
    )
    def on_post(self, request: Request, response: Response) -> None:
        """Place an order; its units leave the stock in the same transaction."""
        order = read_body(request, NewOrder)
        row = self._database.call("place_order", order.product_id, order.quantity, read_key(request))[0]
        placed = Order(*accepted(row, id=order.product_id, quantity=order.quantity))
        response.status = HTTP_201
        response.location = f"/orders/{placed.id}"
        response.data = encode(placed)


class BulkOrders(DatabaseResource):
    """The resource at /orders/bulk."""

    @operation(body=NewOrders, takes_key=True, answer=BulkResult)
    def on_post(self, request: Request, response: Response) -> None:
        """Place up to 1,000 orders in one transaction; refused ones are skipped and listed."""
        orders = read_body(request, NewOrders).orders
        lines = msgspec.json.encode(orders).decode()
        rows = self._database.call("place_orders", lines, read_key(request), seconds=LONG_REQUEST_SECONDS)
        response.data = encode(bulk_result(rows, orders))


class RecentOrders(DatabaseResource):
    """The resource at /orders/recent."""

    @operation(query=RecentQuery, answer=list[Order])
    def on_get(self, request: Request, response: Response) -> None:
        """List the most recent orders, newest first."""
        query = read_query(request, RecentQuery)
        response.data = encode([Order(*row) for row in self._database.call("recent_orders", query.limit)])


class OrderById(DatabaseResource):
    """The resource at /orders/{id}."""

    @operation(answer=OrderDetails, refusals=("order_not_found",))
    def on_get(self, _request: Request, response: Response, id_: str) -> None:
        """Return an order with its product and its value at the time of the order."""
        order_id = read_id(id_, "order_not_found")
        rows = self._database.call("read_order", order_id)
        if not rows:
            raise Problem.of("order_not_found", id=order_id)
        number, product_id, quantity, status, created_at, total_value, *product = rows[0]
        response.data = encode(
            OrderDetails(number, product_id, quantity, status, created_at, Product(*product), total_value)
        )

    @operation(
        body=OrderChange,
        answer=Order,
        refusals=("order_not_found", "insufficient_stock", "quantity_locked", "invalid_transition"),
    )
    def on_put(self, request: Request, response: Response, id_: str) -> None:
        """Change the quantity of a PENDING order, the status, or both; the stock changes too."""
        order_id = read_id(id_, "order_not_found")
        change = read_body(request, OrderChange)
        row = self._database.call(
            "change_order", order_id, none_if_unset(change.quantity), none_if_unset(change.status)
        )[0]
        changed = accepted(row, id=order_id, quantity=change.quantity, status=change.status)
        response.data = encode(Order(*changed))

    @operation(query=DeletionQuery, answer=Confirmation, refusals=("order_not_found", "not_cancelable"))
    def on_delete(self, request: Request, response: Response, id_: str) -> None:
        """Cancel an order or, with `force`, delete it; units of a live order return to the stock."""
        order_id = read_id(id_, "order_not_found")
        forced = read_query(request, DeletionQuery).force
        accepted(self._database.call("delete_order" if forced else "cancel_order", order_id)[0], id=order_id)
        message = f"Order {order_id} {'deleted' if forced else 'canceled'} successfully"
        response.data = encode(Confirmation(message, datetime.now(UTC).isoformat(timespec="microseconds")))


#: For each SQL function that acts on an order: the code of its refusal, and its summary.
ACTS = {
    "pay_order": ("not_payable", "PENDING → PAID."),
    "ship_order": ("not_shippable", "PAID → SHIPPED."),
    "cancel_order": (
        "not_cancelable",
        "PENDING or PAID → CANCELED; the units return to the stock once, even if this is repeated.",
    ),
}


class OrderAct(DatabaseResource):
    """The resource at /orders/{id}/pay, /ship or /cancel; `function` is a key of ACTS."""

    def __init__(self, database: Database, function: str) -> None:
        super().__init__(database)
        refusal, summary = ACTS[function]

        @operation(answer=Order, refusals=("order_not_found", refusal))
        def on_post(_request: Request, response: Response, id_: str) -> None:
            order_id = read_id(id_, "order_not_found")
            row = self._database.call(function, order_id)[0]
            response.data = encode(Order(*accepted(row, id=order_id)))

        on_post.__doc__ = summary
        self.on_post = on_post

"""How the shop is, for people and for probes."""

from __future__ import annotations

from falcon import HTTP_503, Request, Response

from api import __version__
from api.db import HEALTH_SECONDS, LONG_REQUEST_SECONDS, DatabaseUnavailableError, Row
from api.messages import (
    DatabaseHealth,
    Health,
    InventorySummary,
    Order,
    OrderSummary,
    OrderTotals,
    ProductTotals,
    Summary,
    Welcome,
    encode,
)
from api.openapi import operation
from api.resource import DatabaseResource, Resource


class Root(Resource):
    """/"""

    @operation(answer=Welcome)
    def on_get(self, _request: Request, response: Response) -> None:
        """What this is, and where its documentation is."""
        response.data = encode(Welcome("Orders & Inventory API", "running", "/docs"))


class HealthCheck(DatabaseResource):
    """/health"""

    @operation(answer=Health, also={503: Health})
    def on_get(self, _request: Request, response: Response) -> None:
        """Whether the database answers, within a second."""
        try:
            version = self._database.call("read_schema_version", seconds=HEALTH_SECONDS)[0][0]
            health = Health("healthy", DatabaseHealth(True, version), __version__)
        except DatabaseUnavailableError:
            health = Health("unhealthy", DatabaseHealth(False, None), __version__)
            response.status = HTTP_503
            response.retry_after = 1
        response.data = encode(health)


class ShopSummary(DatabaseResource):
    """/summary"""

    @operation(answer=Summary)
    def on_get(self, _request: Request, response: Response) -> None:
        """The inventory and the orders in figures, all of one snapshot."""
        response.data = encode(summary(self._database.call("summarize", seconds=LONG_REQUEST_SECONDS)))


def summary(rows: list[Row]) -> Summary:
    """`rows` are the totals, once for each recent order, which stands at their end: see summarize.sql."""
    products = ProductTotals(*rows[0][:6])
    total, pending, paid, shipped, canceled, quantity, value = rows[0][6:13]
    recent = [Order(*row[13:]) for row in rows if row[13] is not None]
    return Summary(
        InventorySummary(products, OrderTotals(total, pending, paid, shipped, canceled, quantity)),
        OrderSummary(
            total_orders=total,
            status_breakdown={"PENDING": pending, "PAID": paid, "SHIPPED": shipped, "CANCELED": canceled},
            total_quantity_ordered=quantity,
            total_order_value=value,
            recent_orders=recent,
        ),
    )

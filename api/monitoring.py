"""The state of the API and of the shop, for people and for probes."""

from __future__ import annotations

from falcon import HTTP_503, Request, Response

from api import __version__
from api.connection import Row
from api.db import HEALTH_SECONDS, LONG_REQUEST_SECONDS, DatabaseUnavailableError
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
    """The resource at /."""

    @operation(answer=Welcome)
    def on_get(self, _request: Request, response: Response) -> None:
        """Return the name of the API and the path of its documentation."""
        response.data = encode(Welcome("Orders & Inventory API", "running", "/docs"))


class HealthCheck(DatabaseResource):
    """The resource at /health."""

    @operation(answer=Health, also={503: Health})
    def on_get(self, _request: Request, response: Response) -> None:
        """Return, within a second, whether the database answers."""
        try:
            version = self._database.call("read_schema_version", seconds=HEALTH_SECONDS)[0][0]
            health = Health("healthy", DatabaseHealth(True, version), __version__)
        except DatabaseUnavailableError:
            health = Health("unhealthy", DatabaseHealth(False, None), __version__)
            response.status = HTTP_503
            response.retry_after = 1
        response.data = encode(health)


class ShopSummary(DatabaseResource):
    """The resource at /summary."""

    @operation(answer=Summary)
    def on_get(self, _request: Request, response: Response) -> None:
        """Return totals of the inventory and the orders, all from one snapshot."""
        response.data = encode(summary(self._database.call("summarize", seconds=LONG_REQUEST_SECONDS)))


def summary(rows: list[Row]) -> Summary:
    """Return the summary from the rows of summarize.sql.

    Each row holds the totals, then one of the recent orders, or NULL where there are no orders.
    """
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

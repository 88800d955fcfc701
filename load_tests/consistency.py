"""What one answer says must agree with itself: each says what is wrong with an answer, or None."""

import re

from load_tests.answer import Answer, Check, Json

REFUSAL = re.compile(rb"Insufficient stock\. Available: (\d+), Requested: (\d+)")


def untrue_refusal(answer: Answer) -> str | None:
    """A 409 that names as much as was asked for, or nothing."""
    if answer.status != 409:
        return None
    named = REFUSAL.search(answer.content)
    return None if named and int(named[1]) < int(named[2]) else "409, though there was enough"


def line_by_line(lines: list[Json], before: list[Json] | None = None) -> Check:
    """Each line is made or refused, the impossible ones refused, and those made `before` the same again."""

    def check(answer: Answer) -> str | None:
        body = answer.json()
        created, failures = body["created"], body["failures"]
        if sorted(line["index"] for line in created + failures) != list(range(len(lines))):
            return "not every line is answered once"
        if (body["success_count"], body["failure_count"]) != (len(created), len(failures)):
            return "the counts are not those of the lines"
        if any(lines[line["index"]].get("quantity") == 10_000 for line in created):
            return "a line is placed that cannot be"
        if before and not all(line in created for line in before):
            return "the same key, and other orders"
        return None

    return check


def wrong_health(answer: Answer) -> str | None:
    health = answer.json()
    if health["status"] == "healthy" and health["database"]["connected"] is True:
        return None
    return "200, and not healthy"


def wrong_summary(answer: Answer) -> str | None:
    """All is of one snapshot, so it adds up."""
    summary = answer.json()
    products, ordered, orders = (
        summary["inventory"]["products"],
        summary["inventory"]["orders"],
        summary["orders"],
    )
    statuses = {name.upper(): ordered[name] for name in ("pending", "paid", "shipped", "canceled")}
    claims = {
        "products in and out of stock": products["in_stock"] + products["out_of_stock"] == products["total"],
        "products low in stock": products["out_of_stock"] <= products["low_stock_count"] <= products["total"],
        "units and products in stock": products["in_stock"] <= products["total_stock_quantity"],
        "orders of each status": sum(statuses.values()) == ordered["total"] == orders["total_orders"],
        "the two breakdowns": statuses == orders["status_breakdown"],
        "the two quantities": ordered["total_quantity_ordered"] == orders["total_quantity_ordered"],
    }
    if untrue := [claim for claim, holds in claims.items() if not holds]:
        return f"{', '.join(untrue)}: they do not agree"
    return wrong_order_of(orders["recent_orders"], min(10, orders["total_orders"]))


def wrong_order_of(orders: list[Json], limit: int) -> str | None:
    """Recent orders come newest first, and no more of them than were asked for."""
    ids = [order["id"] for order in orders]
    if len(ids) > limit:
        return "more recent orders than asked for"
    return None if ids == sorted(set(ids), reverse=True) else "recent orders not newest first"

"""Checks that the parts of one answer agree. Each check returns what is wrong with the answer, or None."""

import re

from load_tests.answer import Answer, Check, Json, whole_number

REFUSAL = re.compile(rb"Insufficient stock\. Available: (\d{1,18}), Requested: (\d{1,18})")

NOT_AS_DOCUMENTED = "but the body is not as documented"


def has_id(answer: Answer) -> str | None:
    """Find an object that was created, or read, and has no id."""
    is_object = answer.status in (200, 201)
    return f"{answer.status}, {NOT_AS_DOCUMENTED}" if is_object and answer.id is None else None


def has_page(answer: Answer) -> str | None:
    """Find a page of products without their ids, or without the number of pages."""
    if answer.status != 200:
        return None
    is_page = len(answer.ids("products")) == len(answer.json()["products"])
    pages = whole_number(answer.object.get("total_pages"))
    return None if is_page and pages is not None else f"200, {NOT_AS_DOCUMENTED}"


def has_lines(answer: Answer) -> str | None:
    """Find an answer of a bulk call with a created line that has no id."""
    if answer.status != 200:
        return None
    is_complete = len(answer.ids("created")) == len(answer.json()["created"])
    return None if is_complete else f"200, {NOT_AS_DOCUMENTED}"


def untrue_refusal(answer: Answer) -> str | None:
    """Find a 409 that reports enough units for the order, or no number of units."""
    if answer.status != 409:
        return None
    named = REFUSAL.search(answer.content)
    return None if named and int(named[1]) < int(named[2]) else "409 although the stock was sufficient"


def line_by_line(lines: list[Json], before: list[Json] | None = None) -> Check:
    """Return a check of a bulk call's answer.

    Each line must be listed exactly once, as created or refused; an impossible line must be refused. `before`
    is what the same call created the first time: a repeated call must return it again.
    """

    def check(answer: Answer) -> str | None:
        body = answer.json()
        created, failures = body["created"], body["failures"]
        if sorted(line["index"] for line in created + failures) != list(range(len(lines))):
            return "the answer does not list each line exactly once"
        if (body["success_count"], body["failure_count"]) != (len(created), len(failures)):
            return "the counts do not match the lines"
        if any(lines[line["index"]].get("quantity") == 10_000 for line in created):
            return "an impossible line was accepted"
        if before and not all(line in created for line in before):
            return "the same key returned other orders"
        return None

    return check


def wrong_health(answer: Answer) -> str | None:
    health = answer.json()
    if health["status"] == "healthy" and health["database"]["connected"] is True:
        return None
    return "200 although not healthy"


def wrong_summary(answer: Answer) -> str | None:
    """Find numbers that do not agree. The summary is one snapshot, so all of them must."""
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
        return f"{', '.join(untrue)}: the numbers do not agree"
    return wrong_order_of(orders["recent_orders"], min(10, orders["total_orders"]))


def wrong_order_of(orders: list[Json], limit: int) -> str | None:
    """Find recent orders that are too many, or not sorted with the newest first."""
    ids = [order["id"] for order in orders]
    if len(ids) > limit:
        return "more recent orders than the limit"
    return None if ids == sorted(set(ids), reverse=True) else "recent orders are not newest first"

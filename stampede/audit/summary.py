"""Does GET /summary say what a recount says?"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extras import RealDictCursor

from stampede.facts.verdict import Check, Offender, Verdict

NAME = "summary_equals_recount"
TRIES = 3
TIMEOUT = 15
"""Seconds: the API may take 10 for a summary."""
PATIENCE = 10
"""Seconds for an API that asks to come again: its users have only just left."""

#: Where the answer has what the view `recount` calls so.
FIGURES = {
    "inventory.products.total": "products",
    "inventory.products.in_stock": "in_stock",
    "inventory.products.out_of_stock": "out_of_stock",
    "inventory.products.low_stock_count": "low_stock_count",
    "inventory.products.total_stock_quantity": "total_stock_quantity",
    "inventory.products.total_stock_value": "total_stock_value",
    "inventory.orders.total": "orders",
    "inventory.orders.pending": "pending",
    "inventory.orders.paid": "paid",
    "inventory.orders.shipped": "shipped",
    "inventory.orders.canceled": "canceled",
    "inventory.orders.total_quantity_ordered": "total_quantity_ordered",
    "orders.total_orders": "orders",
    "orders.status_breakdown.PENDING": "pending",
    "orders.status_breakdown.PAID": "paid",
    "orders.status_breakdown.SHIPPED": "shipped",
    "orders.status_breakdown.CANCELED": "canceled",
    "orders.total_quantity_ordered": "total_quantity_ordered",
    "orders.total_order_value": "total_order_value",
}

Answer = dict[str, Any]

_opener = build_opener(ProxyHandler({}))  # users take no proxy to the API either


def check_summary(connection: Connection, host: str | None) -> Check:
    """Two equal answers with a recount between them are of the same data. Raises psycopg2.Error."""
    if not host:
        return _check(Verdict.NOT_ASKED, "no host to ask")
    connection.set_session(isolation_level="READ COMMITTED", autocommit=True)
    try:
        for _ in range(TRIES):
            before, counted, after = ask(host), recount(connection), ask(host)
            if before == after:
                return compare(after, counted)
    except (OSError, HTTPException, ValueError) as error:
        return _check(Verdict.UNKNOWN, f"GET {host}/summary: {error}")
    return _check(Verdict.UNKNOWN, f"the shop changed each of {TRIES} times that it was counted")


def _check(verdict: Verdict, detail: str, examined: int = 0, wrong: Sequence[Offender] = ()) -> Check:
    first = wrong[0] if wrong else None
    return Check(
        name=NAME,
        verdict=verdict,
        detail=detail,
        examined=examined,
        count=len(wrong),
        first=first,
        worst=first,
    )


def ask(host: str) -> Answer:
    """GET /summary, again as long as a 503 says when. Raises OSError, HTTPException and ValueError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _ask(host)
        except HTTPError as error:
            seconds = error.headers.get("Retry-After", "")
            if error.code != 503 or not seconds.isdigit() or time.monotonic() + int(seconds) > deadline:
                raise
        time.sleep(int(seconds) or 0.1)


def _ask(host: str) -> Answer:
    with _opener.open(f"{host.rstrip('/')}/summary", timeout=TIMEOUT) as response:
        answer: Answer = json.load(response, parse_float=Decimal)
        return answer


def recount(connection: Connection) -> Answer:
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("SELECT * FROM recount")
        return dict(cursor.fetchone() or {})


def compare(told: Answer, counted: Answer) -> Check:
    wrong = [
        Offender(what=f"{path} is told as {figure}, counted as {counted[name]}", figure=path)
        for path, name in FIGURES.items()
        if (figure := at(told, path)) != counted[name]
    ]
    if not wrong:
        return _check(Verdict.PASS, f"{len(FIGURES)} figures", len(FIGURES))
    return _check(Verdict.FAIL, f"{len(wrong)} wrong of {len(FIGURES)} figures", len(FIGURES), wrong)


def at(told: Any, path: str) -> Any:
    """What the answer has there; None if nothing."""
    return reduce(
        lambda part, name: part.get(name) if isinstance(part, dict) else None, path.split("."), told
    )

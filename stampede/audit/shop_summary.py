"""Checks that the figures of GET /summary equal a recount of the tables."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from http.client import HTTPException
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extras import RealDictCursor

from stampede.audit import bounded_request
from stampede.facts.verdict_json import Check, Offender, Verdict

NAME = "summary_equals_recount"
TRIES = 3
TIMEOUT = 15
"""Seconds: the API may take 10 for a summary."""
MOST_BYTES = 1_000_000
"""The size of the largest answer that is read: a summary has 3,000 bytes."""
LONGEST_FIGURE = 50
"""Characters of a wrong figure that are shown."""
PATIENCE = 10
"""Seconds to retry if the API answers 503: its users have only just stopped."""

#: Paths in the answer, and the columns of the view `recount` that they must equal.
COLUMNS = {
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


class RefusedError(Exception):
    """The API answers with another status than 200. The message has it."""


def check_summary(connection: Connection, host: str | None) -> Check:
    """Return the check. Raises psycopg2.Error.

    Two equal answers, one before and one after the recount, are of the same data as the recount.
    """
    if not host:
        return _check(Verdict.NOT_ASKED, "no host to ask")
    connection.set_session(isolation_level="READ COMMITTED", autocommit=True)
    try:
        for _ in range(TRIES):
            before, counted, after = ask(host), recount(connection), ask(host)
            if before == after:
                return compare(after, counted)
    except (OSError, HTTPException, ValueError, RecursionError, RefusedError) as error:
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
    """Return the answer of GET /summary; retry after a 503, when its Retry-After has passed.

    Raises OSError, HTTPException, ValueError, RecursionError and RefusedError.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = bounded_request.get(f"{host.rstrip('/')}/summary", seconds=TIMEOUT, most_bytes=MOST_BYTES)
        if answer.status == 200:
            summary: Answer = json.loads(answer.body, parse_float=Decimal)
            return summary
        seconds = _retry_after(answer)
        if seconds is None or time.monotonic() + seconds > deadline:
            raise RefusedError(f"status {answer.status}")
        time.sleep(seconds)


def _retry_after(answer: bounded_request.Answer) -> float | None:
    """Return the Retry-After of a 503 in seconds; None if there is none, or if it is a date."""
    told = str(answer.headers.get("retry-after"))
    is_number = answer.status == 503 and re.fullmatch(r"\d{1,9}", told, re.ASCII)
    return int(told) or 0.1 if is_number else None


def recount(connection: Connection) -> Answer:
    """Return the same figures, counted in the tables. Raises psycopg2.Error."""
    with connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("SELECT * FROM recount")
        return dict(cursor.fetchone() or {})


def compare(answer: Answer, counted: Answer) -> Check:
    """Return the check of an answer against a recount."""
    wrong = [
        Offender(
            what=f"{path} answered {str(figure)[:LONGEST_FIGURE]}, but the database has {counted[column]}",
            figure=path,
        )
        for path, column in COLUMNS.items()
        if (figure := figure_at(answer, path)) != counted[column]
    ]
    if not wrong:
        return _check(Verdict.PASS, f"{len(COLUMNS)} figures", len(COLUMNS))
    return _check(Verdict.FAIL, f"{len(wrong)} wrong of {len(COLUMNS)} figures", len(COLUMNS), wrong)


def figure_at(answer: Any, path: str) -> Any:
    """Return the figure at a path of the answer; None where there is none."""
    return reduce(
        lambda part, name: part.get(name) if isinstance(part, dict) else None, path.split("."), answer
    )

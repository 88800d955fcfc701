"""Does `/summary` say what a recount says?

It is asked before and after the recount. Both answers alike, nothing has changed meanwhile: then the
recount must be the same. Where others use the shop too, they may never be alike.
"""

from __future__ import annotations

import json
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

NAME = "summary_equals_recount"
RECOUNT = Path(__file__).with_name("recount.sql")
TRIES = 3
TIMEOUT = 10.0

Figures = dict[str, Decimal]


def ask(host: str) -> Figures | str:
    """What `/summary` says, by the names of the recount; or why it cannot be had."""
    if not host:
        return "no host is known"
    try:
        with urllib.request.urlopen(f"{host}/summary", timeout=TIMEOUT) as answer:
            told = json.load(answer, parse_float=Decimal, parse_int=Decimal)
        products, orders = told["inventory"]["products"], told["inventory"]["orders"]
        figures = {name: products[name] for name in products if name != "total"}
        figures |= {name: orders[name] for name in ("pending", "paid", "shipped", "canceled")}
        figures["products"], figures["orders"] = products["total"], orders["total"]
        figures |= {name: told["orders"][name] for name in ("total_quantity_ordered", "total_order_value")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"GET /summary cannot be understood: {type(error).__name__}: {error}"
    return figures


def recount(cursor: Cursor) -> Figures:
    """The same figures from the tables."""
    cursor.execute(RECOUNT.read_text())
    row = cursor.fetchone() or ()
    return {column.name: Decimal(value) for column, value in zip(cursor.description or (), row, strict=True)}


def check(cursor: Cursor, host: str, told: Figures | str, counted: Figures) -> dict[str, Any]:
    """The check; counts again where somebody has changed something between the two answers."""
    found = {"name": NAME, "examined": 0, "count": 0, "first": None, "worst": None}
    if not host:
        return {**found, "verdict": "NOT_ASKED", "detail": "no host is known"}
    for _ in range(TRIES):
        told_again = ask(host)
        if isinstance(told_again, str):
            return {**found, "verdict": "UNKNOWN", "detail": told_again}
        if told == told_again:
            return {**found, **_compare(told_again, counted)}
        told, counted = told_again, recount(cursor)
    return {**found, "verdict": "UNKNOWN", "detail": "somebody else changes the shop: it never stands still"}


def _compare(told: Figures, counted: Figures) -> dict[str, Any]:
    wrong = {
        name: f"{told.get(name)}, not {value}" for name, value in counted.items() if told.get(name) != value
    }
    if not wrong:
        return {"verdict": "PASS", "examined": len(counted), "detail": f"{len(counted)} figures"}
    offender = {"what": "; ".join(f"{name} is told as {words}" for name, words in wrong.items())}
    detail = f"{len(wrong)} wrong of {len(counted)} figures"
    return {
        **{"verdict": "FAIL", "examined": len(counted), "count": len(wrong), "detail": detail},
        **{"first": offender, "worst": offender},
    }

"""Polls the database during a run for negative stock and for oversold units.

A poll costs only as much as has happened since the previous one, however large the tables are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

Event = dict[str, Any]

NEWEST = "SELECT coalesce(max(id), 0) FROM stock_movements"

# An id is assigned before its transaction commits: of the last seconds, some lines are not visible yet.
NEW_LINES = """
SELECT id, product_id, order_id, delta, stock_after, extract(epoch FROM at)::double precision
FROM stock_movements
WHERE id > %s AND at < clock_timestamp() - interval '2 s'
ORDER BY id LIMIT 100000
"""

# NEW_LINES misses a line that commits even later. So before an alarm, all lines of the product are added up
# again, from its first polled line on.
BELOW_ZERO = """
SELECT product_id, (-min(units))::bigint, (array_agg(order_id ORDER BY id))[1],
       extract(epoch FROM min(at))::double precision
FROM (
    SELECT product_id, id, order_id, at,
           opening + sum(delta) OVER (PARTITION BY product_id ORDER BY id) AS units
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS seen (product_id, first_line, opening)
    JOIN stock_movements USING (product_id)
    WHERE id >= first_line
) AS lines
WHERE units < 0
GROUP BY product_id
"""


@dataclass(slots=True)
class Account:
    """The account of a product since its first polled line; `opening` is its stock before that line."""

    first_line: int
    opening: int
    units: int
    oversold: int = 0
    below_zero: int = 0
    """The highest numbers reported so far: units oversold, and units of stock below 0."""


class Lookout:
    """Polls repeatedly. If the database is away, the next poll finds what happened meanwhile."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._accounts: dict[int, Account] = {}

    def poll(self, cursor: Cursor) -> list[Event]:
        """Return new alarms: each product once, and again when its number gets higher.

        Raises psycopg2.Error.
        """
        return [*self._negative(self._new_lines(cursor)), *self._oversold(cursor)]

    def _new_lines(self, cursor: Cursor) -> list[tuple[Any, ...]]:
        if self._newest is None:
            cursor.execute(NEWEST)
            ((self._newest,),) = cursor.fetchall()
        cursor.execute(NEW_LINES, (self._newest,))
        return cursor.fetchall()

    def _negative(self, lines: Collection[tuple[Any, ...]]) -> Iterator[Event]:
        """Add the lines to the accounts, and yield an alarm for each product with a stock below 0."""
        alarms: dict[int, Event] = {}
        for number, product_id, order_id, delta, stock, at in lines:
            self._newest = number
            opening = stock - delta
            account = self._accounts.setdefault(product_id, Account(number, opening, opening))
            account.units += delta
            if -stock > account.below_zero:
                account.below_zero = -stock
                alarms[product_id] = event("negative_stock", product_id, order_id, at, stock=stock)
        yield from alarms.values()

    def _oversold(self, cursor: Cursor) -> Iterator[Event]:
        """Yield an alarm for each product whose account is below 0, if all its lines confirm that."""
        suspects = {
            product_id: account
            for product_id, account in self._accounts.items()
            if -account.units > account.oversold
        }
        if not suspects:
            return
        columns = [(product, account.first_line, account.opening) for product, account in suspects.items()]
        cursor.execute(BELOW_ZERO, [list(column) for column in zip(*columns, strict=True)])
        for product_id, units, order_id, at in cursor.fetchall():
            suspects[product_id].oversold = units
            yield event("oversold", product_id, order_id, at, units=units)


def event(name: str, product_id: int, order_id: int | None, at: float, **facts: int) -> Event:
    """Return an alarm as an event; `at` is in seconds since the epoch, by the database's clock."""
    return {"event": name, "product_id": product_id, **facts, "order_id": order_id, "at": at}

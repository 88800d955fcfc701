"""What a look now and then can tell while a run goes on: negative stock, and units sold that were not there.

A look costs what has happened since the last one, however large the tables are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

Event = dict[str, Any]

NEWEST = "SELECT coalesce(max(id), 0) FROM stock_movements"

# Ids are drawn before their transaction ends: among the lines of the last seconds some are still to come.
NEW_LINES = """
SELECT id, product_id, order_id, delta, stock_after, extract(epoch FROM at)::double precision
FROM stock_movements
WHERE id > %s AND at < clock_timestamp() - interval '2 s'
ORDER BY id LIMIT 100000
"""

# One that came even later was passed over: before anybody is accused, all lines of the product since it was
# first seen are added up once more.
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
    """A product since its first line that was seen; `opening` is what it had before."""

    first_line: int
    opening: int
    units: int
    oversold: int = 0
    lacking: int = 0
    """The worst that was told of it: units oversold, units below a stock of 0."""


class Lookout:
    """Looks again and again; what happened while it could not, it sees the next time."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._accounts: dict[int, Account] = {}

    def look(self, cursor: Cursor) -> list[Event]:
        """What came up since the last look: a product once, and again when it is worse.

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
        """Enter the lines into the accounts, and tell of those that name a stock below 0."""
        found: dict[int, Event] = {}
        for number, product_id, order_id, delta, stock, at in lines:
            self._newest = number
            opening = stock - delta
            account = self._accounts.setdefault(product_id, Account(number, opening, opening))
            account.units += delta
            if -stock > account.lacking:
                account.lacking = -stock
                found[product_id] = event("negative_stock", product_id, order_id, at, stock=stock)
        yield from found.values()

    def _oversold(self, cursor: Cursor) -> Iterator[Event]:
        suspects = {
            product_id: account
            for product_id, account in self._accounts.items()
            if -account.units > account.oversold
        }
        if not suspects:
            return
        columns = [(number, account.first_line, account.opening) for number, account in suspects.items()]
        cursor.execute(BELOW_ZERO, [list(column) for column in zip(*columns, strict=True)])
        for product_id, units, order_id, at in cursor.fetchall():
            suspects[product_id].oversold = units
            yield event("oversold", product_id, order_id, at, units=units)


def event(name: str, product_id: int, order_id: int | None, at: float, **facts: int) -> Event:
    """`at` in seconds since the epoch, by the database's clock."""
    return {"event": name, "product_id": product_id, **facts, "order_id": order_id, "at": at}

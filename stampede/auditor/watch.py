"""While the run goes on: what can be told without a look at all of the tables.

A look reads the stock movements since the one before, so what it costs does not grow with the tables. It
stays two seconds behind: by then what was begun has been committed, and no line comes late.
"""

from __future__ import annotations

import json
import os
import select
import sys

import psycopg2
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.auditor.database import connect
from stampede.auditor.run import Run

INTERVAL = 2.0
"""Seconds between two looks."""

NEW_LINES = """
    SELECT id, product_id, delta, stock_after FROM stock_movements
    WHERE id > %(seen)s AND id < coalesce(
        (SELECT min(id) FROM stock_movements WHERE id > %(seen)s AND at > clock_timestamp() - interval '2 s'),
        9223372036854775807)
    ORDER BY id
"""

Alarm = tuple[str, int, int]
"""What is wrong, the product, and by how many units."""


class Watch:
    """The products that have moved, and the units they should have."""

    def __init__(self, first_line: int) -> None:
        self._seen = first_line - 1
        self._units: dict[int, int] = {}
        self._worst: dict[tuple[str, int], int] = {}

    def look(self, cursor: Cursor) -> list[Alarm]:
        """What is wrong for the first time, or worse than before."""
        cursor.execute(NEW_LINES, {"seen": self._seen})
        lines = cursor.fetchall()
        alarms: list[Alarm] = []
        for number, product, delta, stock_after in lines:
            units = self._units[product] = self._units.get(product, stock_after - delta) + delta
            if stock_after < 0:
                alarms.append(("negative_stock", product, -stock_after))
            if units < 0 and (oversold := _oversold(cursor, product)):
                alarms.append(("oversold", product, oversold))
            self._seen = number
        return [alarm for alarm in alarms if self._is_news(alarm)]

    def _is_news(self, alarm: Alarm) -> bool:
        name, product, units = alarm
        if units <= self._worst.get((name, product), 0):
            return False
        self._worst[name, product] = units
        return True


def _oversold(cursor: Cursor, product: int) -> int:
    """Units sold that were not there, by all of the product's lines: asked only where some seem to be."""
    cursor.execute("SELECT -sum(delta) FROM stock_movements WHERE product_id = %s", (product,))
    (units,) = cursor.fetchone() or (0,)
    return max(0, int(units))


def watch_until_input_ends(run: Run) -> None:
    """Print what is seen, one JSON object a line. A database that is away is looked at again."""
    watch = Watch(run.first_line)
    while not _input_has_ended():
        try:
            with connect(patience=0) as connection, connection.cursor() as cursor:
                while True:
                    for name, product, units in watch.look(cursor):
                        print(json.dumps({"event": name, "product_id": product, "units": units}), flush=True)
                    if _input_has_ended(INTERVAL):
                        return
        except psycopg2.Error as error:
            print(f"stampede audit: {str(error).strip().splitlines()[0]}", file=sys.stderr, flush=True)
            if _input_has_ended(INTERVAL):
                return


def _input_has_ended(wait: float = 0) -> bool:
    """Whether standard input is at its end, after `wait` seconds at most; what comes before it is ignored."""
    while select.select([sys.stdin], [], [], wait)[0]:
        if not os.read(sys.stdin.fileno(), 65536):
            return True
    return False

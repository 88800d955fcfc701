"""The database of one test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from postgres import embedded

#: The products whose stock is not what their movements add up to.
ADDS_UP = """
    SELECT count(*) FROM products
    WHERE stock <> (SELECT sum(delta) FROM stock_movements WHERE product_id = products.id)
"""
TOTALS_ARE_TRUE = """
    SELECT NOT EXISTS (
        SELECT sum(products), sum(in_stock), sum(low_stock), sum(stock_quantity), sum(stock_value),
               sum(pending), sum(paid), sum(shipped), sum(canceled), sum(quantity), sum(value)
        FROM totals
        EXCEPT
        SELECT * FROM (
            SELECT count(*), count(*) FILTER (WHERE stock > 0), count(*) FILTER (WHERE stock <= 10),
                   coalesce(sum(stock), 0), coalesce(sum(stock * price), 0) FROM products
        ) AS stocked, (
            SELECT count(*) FILTER (WHERE status = 'PENDING'), count(*) FILTER (WHERE status = 'PAID'),
                   count(*) FILTER (WHERE status = 'SHIPPED'), count(*) FILTER (WHERE status = 'CANCELED'),
                   coalesce(sum(quantity), 0), coalesce(sum(quantity * unit_price), 0) FROM orders
        ) AS ordered
    )
"""


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One test's database."""

    __test__ = False

    name: str
    server: embedded.Server

    def url(self, role: str = "api") -> str:
        return self.server.url(role, self.name)

    def query(self, statement: str, *arguments: object, role: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement, as the superuser unless said otherwise."""
        return execute(self.url(role), statement, *arguments)


@contextmanager
def folder_for_postgres() -> Iterator[Path]:
    """Unlike pytest's tmp_path one that PostgreSQL, which is never root, can get into."""
    with tempfile.TemporaryDirectory(prefix="stampede-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def execute(url: str, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()

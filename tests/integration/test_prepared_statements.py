"""Calls of the database are planned once for each connection."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import psycopg2
import pytest

from api.connection import Connection
from api.statements import prepared_statement
from tests.integration.databases import TestDatabase

#: Of a list without filters: page, per_page, status, product_id.
PAGE_ONLY = prepared_statement("list_orders", 4, missing=(2, 3))
READ_PRODUCT = prepared_statement("read_product", 1, missing=())


@pytest.fixture
def connection(database: TestDatabase) -> Iterator[Connection]:
    own = Connection(database.url())
    yield own
    own.close()


def test_a_statement_is_planned_once(connection: Connection) -> None:
    """By itself, PostgreSQL would plan each page anew: a LIMIT that it does not know looks expensive."""
    for page in range(1, 11):
        connection.call(PAGE_ONLY, [page, 20], inf)
    plans = connection.execute("SELECT generic_plans, custom_plans FROM pg_prepared_statements", (), inf)
    assert plans == [(10, 0)]


def test_a_plan_leaves_out_the_filters_that_are_not_given(connection: Connection) -> None:
    connection.call(PAGE_ONLY, [1, 20], inf)
    plan = connection.execute("EXPLAIN (COSTS FALSE) EXECUTE list_orders_without_2_without_3(1, 20)", (), inf)
    assert not [line for (line,) in plan if "Filter" in line]


def test_a_call_works_after_its_first_execution_has_failed(connection: Connection) -> None:
    with pytest.raises(psycopg2.errors.NumericValueOutOfRange):
        connection.call(READ_PRODUCT, [2**63], inf)
    assert connection.call(READ_PRODUCT, [1], inf)[0][0] == 1


def test_a_replaced_function_is_used_at_once(connection: Connection, database: TestDatabase) -> None:
    assert connection.call(READ_PRODUCT, [1], inf)
    database.query("""
        CREATE OR REPLACE FUNCTION read_product(wanted_id bigint) RETURNS SETOF products LANGUAGE sql STABLE
        BEGIN ATOMIC SELECT * FROM products WHERE FALSE; END
    """)
    assert connection.call(READ_PRODUCT, [1], inf) == []

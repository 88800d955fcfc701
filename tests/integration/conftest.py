"""A real PostgreSQL, for each test a database copied from the one that init.sql made, and the API on it: in
this process, or as `python run_api.py` on a port of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from falcon.testing import TestClient

from api.app import create_app
from api.db import Database
from postgres import embedded
from tests.integration.databases import TestDatabase, execute, folder_for_postgres
from tests.integration.servers import Api

numbers = itertools.count(1)

EVERYTHING = """
    SELECT products::text FROM products UNION ALL SELECT orders::text FROM orders
    UNION ALL SELECT stock_movements::text FROM stock_movements
    UNION ALL SELECT order_keys::text FROM order_keys
    ORDER BY 1
"""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[embedded.Server]:
    """One server for all; what it forgets in a power failure nobody misses."""
    settings = {"fsync": "off", "max_connections": "200"}
    with folder_for_postgres() as folder, embedded.running(folder, settings=settings) as server:
        yield server


@contextmanager
def database_of_its_own(server: embedded.Server) -> Iterator[TestDatabase]:
    own = TestDatabase(f"test_{next(numbers)}", server)
    administration = server.url("postgres", "postgres")
    execute(administration, f"CREATE DATABASE {own.name} TEMPLATE {embedded.DATABASE}")
    yield own
    execute(administration, f"DROP DATABASE {own.name} WITH (FORCE)")


@contextmanager
def application(database: TestDatabase) -> Iterator[TestClient]:
    connections = Database(database.url(), size=4)
    connections.start()
    yield TestClient(create_app(connections))
    connections.stop()


@pytest.fixture
def database(postgres_server: embedded.Server) -> Iterator[TestDatabase]:
    """The seeded catalogue, in a database that goes with the test."""
    with database_of_its_own(postgres_server) as own:
        yield own


@pytest.fixture
def query(database: TestDatabase) -> Callable[..., list[tuple[Any, ...]]]:
    """Look into the test's database, past the API."""
    return database.query


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[TestClient]:
    """The application in this process, on the test's database."""
    with application(database) as client:
        yield client


@pytest.fixture(scope="module")
def untouched_shop(postgres_server: embedded.Server) -> Iterator[TestClient]:
    """One for all the refusals of a file; at the end it must be as it was at the beginning."""
    with database_of_its_own(postgres_server) as own, application(own) as client:
        before = own.query(EVERYTHING)
        yield client
        assert own.query(EVERYTHING) == before


@pytest.fixture
def start_api() -> Iterator[Callable[..., Api]]:
    """Starts APIs, and stops them after the test."""
    started: list[Api] = []

    def start(database_url: str, log: Path | None = None, **environment: str) -> Api:
        started.append(Api(database_url, log, **environment))
        started[-1].wait_until_it_answers()
        return started[-1]

    yield start
    for api in started:
        api.stop()


@pytest.fixture
def api(start_api: Callable[..., Api], database: TestDatabase) -> Api:
    """An API of one process on the test's database."""
    return start_api(database.url())

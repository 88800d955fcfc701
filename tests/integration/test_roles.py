"""What the roles may do, and what not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from postgres import embedded
from tests.integration.conftest import database_of_its_own
from tests.integration.databases import TestDatabase
from tests.integration.servers import ROOT


@pytest.fixture(scope="module")
def database(postgres_server: embedded.Server) -> Iterator[TestDatabase]:
    """One for all: nothing here is allowed to change it."""
    with database_of_its_own(postgres_server) as own:
        # A copy does not have the grants on the database itself.
        postgres_server.psql("-f", str(ROOT / "postgres" / "roles.sql"), database=own.name)
        yield own


FORBIDDEN = [
    ("api", "CREATE TABLE mine (id int)"),
    ("api", "CREATE TEMPORARY TABLE mine (id int)"),
    ("api", "DROP TABLE orders"),
    ("api", "ALTER TABLE orders ADD COLUMN mine int"),
    ("api", "TRUNCATE orders"),
    ("api", "UPDATE stock_movements SET delta = 0"),  # the ledger is append-only
    ("api", "DELETE FROM stock_movements"),
    ("api", "UPDATE order_keys SET order_id = 1"),
    ("api", "UPDATE schema_version SET version = 2"),
    ("api", "CREATE OR REPLACE FUNCTION may_follow(status text, next text) RETURNS boolean RETURN true"),
    ("api", "SET ROLE owner"),
    ("auditor", "INSERT INTO orders DEFAULT VALUES"),
    ("auditor", "UPDATE products SET stock = 0"),
    ("auditor", "DELETE FROM orders"),
    ("auditor", "SELECT place_order(5, 1)"),
    ("auditor", "CREATE TABLE mine (id int)"),
    # whose files are the server's: the auditor sees what read_usage makes of them, nobody else even that
    ("api", "SELECT * FROM read_usage()"),
    ("api", "SELECT pg_read_file('postmaster.pid')"),
    ("auditor", "SELECT pg_read_file('postmaster.pid')"),
    ("auditor", "SELECT pg_read_file('/etc/passwd', true)"),
    ("auditor", "SET ROLE owner"),
]


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_a_role_cannot(database: TestDatabase, role: str, statement: str) -> None:
    """More than it needs."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        database.query(statement, role=role)


ALLOWED = [
    ("api", "SELECT * FROM read_product(5)"),
    ("auditor", "SELECT count(*) FROM stock_movements"),
    ("auditor", "SELECT count(*) FROM order_keys"),
    ("auditor", "CREATE TEMPORARY TABLE ledger (id int)"),
    ("auditor", "SELECT * FROM read_usage()"),
]


@pytest.mark.parametrize(("role", "statement"), ALLOWED)
def test_a_role_can(database: TestDatabase, role: str, statement: str) -> None:
    """What it is there for."""
    database.query(statement, role=role)


def test_the_auditor_sees_what_others_are_at(database: TestDatabase) -> None:
    """Anybody sees that they are there."""
    of_the_api = "SELECT state FROM pg_stat_activity WHERE usename = 'api' AND datname = current_database()"
    with closing(psycopg2.connect(database.url("api"))):
        assert database.query(of_the_api, role="auditor") == [("idle",)]


def test_everything_belongs_to_the_owner_who_cannot_log_in(database: TestDatabase) -> None:
    """Tables, types, functions."""
    assert database.query(
        "SELECT DISTINCT pg_get_userbyid(owner) FROM ("
        "  SELECT relowner AS owner FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        "  UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS things"
    ) == [("owner",)]
    assert database.query("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'owner'") == [(False,)]


def test_one_function_runs_with_the_rights_of_another(database: TestDatabase) -> None:
    """The one that reads fixed files, and takes no argument that could name others."""
    rows = database.query(
        "SELECT proname, pronargs FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert rows == [("read_usage", 0)]


def test_no_search_path_misleads_a_function(database: TestDatabase) -> None:
    """Each has its own, or names that were resolved when it was created."""
    assert (
        database.query(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND proconfig IS NULL AND prosqlbody IS NULL"
        )
        == []
    )


def test_no_role_has_a_default_password(database: TestDatabase) -> None:
    """Without a password a role connects over the local socket only."""
    assert database.query("SELECT DISTINCT rolpassword FROM pg_authid") == [(None,)]

"""Connections of the audit to PostgreSQL, as a role that may read all tables and create temporary ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from psycopg2.extensions import make_dsn

from stampede.audit.errors import AuditError

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5
RETRY_SECONDS = 10.0
"""How long to retry: the database may be restarting."""

SESSION = (
    "-c timezone=UTC -c jit=off -c default_statistics_target=10"
    # Sized for a million orders on a server with 1 GiB. Two workers halve a scan where cores are free.
    " -c work_mem=64MB -c temp_buffers=64MB -c max_parallel_workers_per_gather=2"
)


def database_of(environment: Mapping[str, str]) -> str:
    """Return AUDIT_DATABASE_URL, with the password in the file AUDIT_DATABASE_PASSWORD_FILE if there is one.

    Raises AuditError, and psycopg2.ProgrammingError for an invalid URL.
    """
    url = environment.get("AUDIT_DATABASE_URL")
    if not url:
        raise AuditError("set AUDIT_DATABASE_URL to the database to audit, with the role auditor")
    file = environment.get("AUDIT_DATABASE_PASSWORD_FILE")
    if not file:
        return url
    try:
        password = Path(file).read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise AuditError(f"AUDIT_DATABASE_PASSWORD_FILE cannot be read: {error}") from error
    dsn: str = make_dsn(url, password=password)
    return dsn


def connect(database: str) -> Connection:
    """Return a connection in autocommit mode. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        database, connect_timeout=CONNECT_SECONDS, options=SESSION, application_name="stampede-audit"
    )
    connection.autocommit = True
    return connection


def connect_patiently(database: str) -> Connection:
    """Return a connection; retry for RETRY_SECONDS seconds. Raises psycopg2.OperationalError."""
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return connect(database)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


class Link:
    """A connection to a database that reconnects when it is lost."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._connection: Connection | None = None

    def ask(self, question: Callable[[Cursor], list[Answer]]) -> list[Answer]:
        """Return the rows that `question` fetches; none while the database is away. Raises psycopg2.Error."""
        try:
            self._connection = self._connection or connect(self._database)
            with self._connection.cursor() as cursor:
                return question(cursor)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.close()
            return []

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None

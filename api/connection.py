"""One connection to the database: it prepares its statements, and another thread can end its calls.

That thread is the watchdog of api/db.py, which says why it is needed.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from os import dup
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

from api.statements import Statement

#: The version of postgres/schema.sql this code was written for.
SCHEMA_VERSION = 3

#: The longest a call may take. A client must learn of a refusal within two seconds, network included.
REQUEST_SECONDS = 1.5
CONNECT_SECONDS = 2

#: A prepared statement is planned once, not for each call: to plan takes longer than to read a row.
SESSION = (
    "-c timezone=UTC -c lock_timeout=1000 -c statement_timeout=9500 -c plan_cache_mode=force_generic_plan"
)


class SchemaVersionError(Exception):
    """The database has another schema version than this code needs; the message says what to do."""

    def __init__(self, found: int | None) -> None:
        super().__init__(
            f"the database has schema version {found or 'none'}, this API needs {SCHEMA_VERSION}: "
            "run `make reset`, or postgres/init.sql on an empty database"
        )


Row = tuple[Any, ...]


def to_timestamp(text: str | bytes | None, _cursor: object) -> str | None:
    """Return PostgreSQL's `2026-01-01 12:00:00.5+00` as RFC 3339 with six decimals."""
    if not isinstance(text, str):
        return None
    return f"{text[:10]}T{text[11:-3].ljust(15, '0') if len(text) > 22 else text[11:19] + '.000000'}+00:00"


def connect(url: str) -> extensions.connection:
    """Return a connection in autocommit mode; raise psycopg2.OperationalError."""
    connection = psycopg2.connect(
        url, connect_timeout=CONNECT_SECONDS, options=SESSION, application_name="stampede-api"
    )
    connection.autocommit = True
    timestamptz = 1184
    extensions.register_type(extensions.new_type((timestamptz,), "TIMESTAMPTZ", to_timestamp), connection)
    return connection


def check_at_start(url: str) -> None:
    """Raise ValueError where the URL is invalid, and SchemaVersionError where the schema is the wrong one.

    A database that does not answer yet is no error: the API starts and waits for it.
    """
    try:
        extensions.make_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise ValueError(str(error).strip()) from None
    with suppress(psycopg2.OperationalError):
        connection = Connection(url)
        try:
            connection.check_schema_version(inf)
        finally:
            connection.close()


class Connection:
    """A connection that one thread uses at a time while the watchdog watches its deadline."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._cursor = self._connection.cursor()
        self._prepared: set[str] = set()
        self._began = -inf
        self._deadline = inf
        # A call may end while the watchdog shuts it. Without the lock, the watchdog could hit the next call.
        self._lock = threading.Lock()

    def call(self, statement: Statement, arguments: Sequence[object], deadline: float) -> list[Row]:
        """Return the rows of a function; `execute` describes errors and the deadline."""
        if statement.prepare and statement.prepare not in self._prepared:
            self.execute(statement.prepare, (), deadline)
            self._prepared.add(statement.prepare)
        return self.execute(statement.execute, arguments, deadline)

    def execute(self, statement: str, arguments: Sequence[object], deadline: float) -> list[Row]:
        """Return the statement's rows; raise psycopg2.Error. The deadline is a time of monotonic()."""
        with self._lock:
            self._began = monotonic()
            self._deadline = deadline
        try:
            self._cursor.execute(statement, arguments)
            return self._cursor.fetchall() if self._cursor.description else []
        finally:
            with self._lock:
                self._deadline = inf

    def check_schema_version(self, deadline: float) -> None:
        """Raise SchemaVersionError unless the database has the version this code needs."""
        try:
            ((version,),) = self.execute("SELECT read_schema_version()", (), deadline)
        except (errors.UndefinedFunction, errors.InsufficientPrivilege):
            version = None
        if version != SCHEMA_VERSION:
            raise SchemaVersionError(version)

    def is_broken(self) -> bool:
        """Return whether the connection is closed, by this process or by an error."""
        return bool(self._connection.closed)

    def shut_if_overdue(self, now: float, away: bool) -> None:
        """Shut the socket of a call past its deadline: the call fails, and its thread closes the connection.

        The watchdog calls this. While the database is away, no call may take longer than REQUEST_SECONDS.
        """
        with self._lock:
            limit = self._began + REQUEST_SECONDS if away else inf
            if now < min(self._deadline, limit) or self._deadline == inf:
                return
            self._deadline = inf
            with (
                suppress(OSError, psycopg2.Error),
                socket.socket(fileno=dup(self._connection.fileno())) as wire,
            ):
                wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; errors are ignored."""
        with suppress(psycopg2.Error):
            self._connection.close()

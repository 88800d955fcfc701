"""The database as one method: call a function of postgres/functions, get its rows. psycopg2 is known
here only.

A pool of connections whose users wait for a free one, and two threads beside it:

- the *keeper* asks the database for a sign of life four times a second, over a connection of its own, and
  opens what the pool lacks. While there was no sign for a second, calls are refused at once. If there are
  fewer connections to be had than wanted, calls share those there are.
- the *watchdog* shuts the socket of every call past its deadline. Nothing else ends a call to a PostgreSQL
  that is stopped: libpq waits for ever, whatever the time-outs, with the thread inside of it. It measures
  the database's silence, too, by its own rounds: while this process stands still, nobody can speak to it.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from math import inf
from os import dup
from time import monotonic
from typing import Any

import psycopg2
from psycopg2 import errors, extensions

logger = logging.getLogger("api.database")

#: The version of postgres/schema.sql this code was written for.
SCHEMA_VERSION = 3

#: Seconds. A request is refused within two: what it may take here, and some for the way.
REQUEST_SECONDS = 1.5
HEALTH_SECONDS = 0.8
#: A bulk call or a summary is many times the work of another.
LONG_REQUEST_SECONDS = 10.0
BEAT_SECONDS = 0.25
AWAY_SECONDS = 1.0
WATCH_SECONDS = 0.05
#: Between one connection opened and the next: where they are few, processes that start together share them.
FILL_SECONDS = 0.1
#: After the database had no further connection for us: time for a process that starts to get one.
SHORT_SECONDS = 5.0
CONNECT_SECONDS = 2

SESSION = "-c timezone=UTC -c lock_timeout=1000 -c statement_timeout=9500"


class DatabaseUnavailableError(Exception):
    """The database does not answer, or not in time. Whether the act took place is not known."""


class SchemaVersionError(Exception):
    """The database is not the one this code was written for; the message says what to do."""

    def __init__(self, found: int | None) -> None:
        super().__init__(
            f"the database has schema version {found or 'none'}, this API needs {SCHEMA_VERSION}: "
            "run `make reset`, or postgres/init.sql on an empty database"
        )


Row = tuple[Any, ...]


def to_timestamp(text: str | bytes | None, _cursor: object) -> str | None:
    """PostgreSQL's `2026-01-01 12:00:00.5+00` as RFC 3339 with six digits."""
    if not isinstance(text, str):
        return None
    return f"{text[:10]}T{text[11:-3].ljust(15, '0') if len(text) > 22 else text[11:19] + '.000000'}+00:00"


def connect(url: str) -> extensions.connection:
    """Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        url, connect_timeout=CONNECT_SECONDS, options=SESSION, application_name="stampede-api"
    )
    connection.autocommit = True
    timestamptz = 1184
    extensions.register_type(extensions.new_type((timestamptz,), "TIMESTAMPTZ", to_timestamp), connection)
    return connection


def check_at_start(url: str) -> None:
    """Raises SchemaVersionError, and ValueError if it is no URL of a database. A database that is not there
    yet is no reason not to start."""
    try:
        extensions.make_dsn(url)
    except psycopg2.ProgrammingError as error:
        raise ValueError(str(error).strip()) from None
    with suppress(psycopg2.OperationalError):
        line = Line(url)
        try:
            line.check_schema_version(inf)
        finally:
            line.close()


class Line:
    """A connection, used by one thread at a time and watched by another."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._cursor = self._connection.cursor()
        self._began = -inf
        self._deadline = inf
        # Between a call that ends and the watchdog: the next call must not be shut for the last one's delay.
        self._lock = threading.Lock()

    def execute(self, statement: str, arguments: Sequence[object], deadline: float) -> list[Row]:
        with self._lock:
            self._began = monotonic()
            self._deadline = deadline
        try:
            self._cursor.execute(statement, arguments)
            return self._cursor.fetchall()
        finally:
            with self._lock:
                self._deadline = inf

    def check_schema_version(self, deadline: float) -> None:
        """Raises SchemaVersionError."""
        try:
            ((found,),) = self.execute("SELECT read_schema_version()", (), deadline)
        except (errors.UndefinedFunction, errors.InsufficientPrivilege):
            found = None
        if found != SCHEMA_VERSION:
            raise SchemaVersionError(found)

    def is_broken(self) -> bool:
        return bool(self._connection.closed)

    def shut_if_overdue(self, now: float, away: bool) -> None:
        """From the watchdog. The call that waits fails; its thread closes the connection. While the database
        is away, no call is given longer than the usual one."""
        with self._lock:
            patience = self._began + REQUEST_SECONDS if away else inf
            if now < min(self._deadline, patience) or self._deadline == inf:
                return
            self._deadline = inf
            with (
                suppress(OSError, psycopg2.Error),
                socket.socket(fileno=dup(self._connection.fileno())) as wire,
            ):
                wire.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(psycopg2.Error):
            self._connection.close()


@cache
def statement_for(function: str, arguments: int) -> str:
    return f"SELECT * FROM {function}({', '.join(['%s'] * arguments)})"  # noqa: S608 - names are ours


class Database:
    """`size` connections to `url`; `start` it in the process that uses it."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._free: deque[Line] = deque()
        self._lines: set[Line] = set()
        self._changed = threading.Condition()
        self._silent = inf
        self._is_short = False
        self._next_fill = -inf
        self.size = size
        self.waits = 0
        """Calls that found no connection free."""
        self._first_try = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, name="database-watchdog", daemon=True),
            threading.Thread(target=self._keep, name="database-keeper", daemon=True),
        ]

    def call(self, function: str, *arguments: object, seconds: float = REQUEST_SECONDS) -> list[Row]:
        """The rows a function returns. It is one statement, so one transaction.

        Raises DatabaseUnavailableError.
        """
        deadline = monotonic() + seconds
        line = self._take(deadline)
        try:
            return line.execute(statement_for(function, len(arguments)), arguments, deadline)
        except psycopg2.Error as error:
            if error.pgcode is None:  # not the server's word: it is gone, though psycopg2 may not know it yet
                line.close()
            if line.is_broken() or is_passing(error):
                raise DatabaseUnavailableError(str(error).strip()) from error
            raise
        finally:
            self._give_back(line)

    def start(self) -> None:
        """Return when the first connection is open or could not be opened."""
        for thread in self._threads:
            thread.start()
        self._first_try.wait()

    def stop(self) -> None:
        """Close what no call is using."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        with self._changed:
            self._silent = inf
            for line in tuple(self._lines):
                self._drop(line)

    def _take(self, deadline: float) -> Line:
        with self._changed:
            self.waits += not self._free
            while not self._free:
                if self._is_away() or not self._changed.wait(deadline - monotonic()):
                    raise DatabaseUnavailableError("no connection is free")
            if self._is_away():
                raise DatabaseUnavailableError("it gives no sign of life")
            return self._free.pop()

    def _give_back(self, line: Line) -> None:
        with self._changed:
            if line.is_broken():
                self._drop(line)
            else:
                self._free.append(line)
                self._changed.notify()

    def _drop(self, line: Line) -> None:
        self._lines.discard(line)
        line.close()

    @property
    def in_use(self) -> int:
        """Connections that calls have, of `size`."""
        with self._changed:
            return max(0, len(self._lines) - len(self._free) - 1)  # the keeper has one

    def is_silent(self, seconds: float) -> bool:
        """Whether it gave no sign of life for as long."""
        return self._silent > seconds

    def _is_away(self) -> bool:
        return self.is_silent(AWAY_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            with self._changed:
                self._silent += WATCH_SECONDS
            now = monotonic()
            for line in tuple(self._lines):
                line.shut_if_overdue(now, self._is_away())

    def _keep(self) -> None:
        """Its connection is in no request's way, and is the first to learn that all are broken."""
        line: Line | None = None
        while not self._stopping.is_set():
            pause = BEAT_SECONDS
            try:
                line = self._ask_for_sign(line)
            except Exception as error:  # whatever it is, it must be tried again
                self._lose(line, error)
                line = None
            else:
                if self._fill():
                    pause = FILL_SECONDS
            self._first_try.set()
            self._stopping.wait(pause)

    def _ask_for_sign(self, line: Line | None) -> Line:
        if line is None:
            line = self._open_own()
            logger.info("the database is there")
        else:
            line.execute("SELECT 1", (), monotonic() + AWAY_SECONDS)
        with self._changed:
            self._silent = 0.0
        return line

    def _open_own(self) -> Line:
        line = Line(self._url)
        self._lines.add(line)  # from here on the watchdog sees to it
        try:
            line.check_schema_version(monotonic() + AWAY_SECONDS)
        except BaseException:
            self._drop(line)
            raise
        return line

    def _fill(self) -> bool:
        """Open one that the pool lacks, beside the keeper's. Whether it did."""
        lacking = self.size + 1 - len(self._lines)
        if not lacking or (lacking < self.size and monotonic() < self._next_fill):
            return False
        try:
            line = Line(self._url)
        except Exception as error:  # if it is the database, the next question will tell
            self._run_short(error, lacking)
            return False
        self._is_short = False
        with self._changed:
            self._lines.add(line)
            self._free.append(line)
            self._silent = 0.0
            self._changed.notify()
        return True

    def _run_short(self, error: Exception, lacking: int) -> None:
        if not self._is_short:
            logger.warning("the pool lacks %d of %d connections: %s", lacking, self.size, str(error).strip())
        self._is_short = True
        self._next_fill = monotonic() + SHORT_SECONDS

    def _lose(self, line: Line | None, error: Exception) -> None:
        """Every idle connection has broken too: close them. Those in use tell their users themselves."""
        if line is not None or not self._first_try.is_set():
            logger.error("the database is away: %s", str(error).strip())
        with self._changed:
            self._silent = inf
            for idle in (*self._free, *([line] if line else [])):
                self._drop(idle)
            self._free.clear()
            self._changed.notify_all()


def is_passing(error: psycopg2.Error) -> bool:
    """Whether the same call may succeed in a moment: out of resources, canceled, deadlocked, locked out."""
    return (error.pgcode or "")[:2] in {"40", "53", "55", "57"}

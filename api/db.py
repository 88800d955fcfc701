"""The database behind one method: call a function of postgres/functions, get its rows.

Callers wait for a free connection of a pool. Two threads look after it:

- The *keeper* sends the database a heartbeat four times a second, over its own connection, and opens the
  connections that the pool lacks. After a second without an answer, calls are refused at once. If the
  server allows fewer connections than the pool needs, calls share the open ones.
- The *watchdog* shuts the socket of every call that is past its deadline. Nothing else ends a call to a
  stopped PostgreSQL: libpq blocks its thread permanently, whatever its timeouts. The watchdog also measures
  how long the database has been silent. It counts its own rounds instead of reading a clock: while this
  process is stalled, it could not have received an answer.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from math import inf
from time import monotonic

import psycopg2

from api.connection import REQUEST_SECONDS, Connection, Row
from api.statements import plain_statement, prepared_statement, without_missing

logger = logging.getLogger("api.database")

#: The longest that a call of /health may take: it must answer within a second.
HEALTH_SECONDS = 0.8
#: The longest that a bulk call or a summary may take: it is many times the work of another call.
LONG_REQUEST_SECONDS = 10.0
#: The pause between two heartbeats.
HEARTBEAT_SECONDS = 0.25
#: After this long without an answer, the database counts as away.
AWAY_SECONDS = 1.0
#: The pause between two rounds of the watchdog.
WATCH_SECONDS = 0.05
#: The pause between two connections that the keeper opens. Where the server allows few, processes that start
#: together then get about the same number.
FILL_SECONDS = 0.1
#: The pause after the server refused a further connection. It lets a process that starts get one.
SHORTAGE_SECONDS = 5.0


class DatabaseUnavailableError(Exception):
    """The database does not answer, or not in time; the call may still have taken effect."""


class Database:
    """A pool of `size` connections; call `start` in the process that uses the pool."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._free: deque[Connection] = deque()
        self._connections: set[Connection] = set()
        self._changed = threading.Condition()
        self._waiting = 0
        self._silent = inf
        self._is_short = False
        self._next_fill = -inf
        self.size = size
        self.waits = 0
        """The number of calls that found no connection free."""
        self._first_try = threading.Event()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, name="database-watchdog", daemon=True),
            threading.Thread(target=self._keep, name="database-keeper", daemon=True),
        ]

    def call(
        self, function: str, *arguments: object, seconds: float = REQUEST_SECONDS, is_prepared: bool = True
    ) -> list[Row]:
        """Return the rows of a function. The call is one statement, so one transaction.

        `is_prepared` is False for a call whose best plan depends on the values of its arguments.

        Raise DatabaseUnavailableError where no answer comes within `seconds`, and psycopg2.Error for an error
        in the call itself.
        """
        deadline = monotonic() + seconds
        missing, values = without_missing(arguments) if None in arguments else ((), arguments)
        statement_for = prepared_statement if is_prepared else plain_statement
        statement = statement_for(function, len(arguments), missing)
        connection = self._take(deadline)
        try:
            return connection.call(statement, values, deadline)
        except psycopg2.Error as error:
            if error.pgcode is None:  # not from the server: the connection is lost, even if not yet marked so
                connection.close()
            if connection.is_broken() or is_temporary(error):
                raise DatabaseUnavailableError(str(error).strip()) from error
            raise
        finally:
            self._give_back(connection)

    def start(self) -> None:
        """Start the threads and wait for the first attempt to connect, successful or not."""
        for thread in self._threads:
            thread.start()
        self._first_try.wait()

    def stop(self) -> None:
        """Stop the threads and close all connections; no call may be in progress."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        with self._changed:
            self._silent = inf
            for connection in tuple(self._connections):
                self._drop(connection)

    def _take(self, deadline: float) -> Connection:
        if self._is_away():
            raise DatabaseUnavailableError("the database does not answer")
        try:
            return self._free.pop()  # one step of the interpreter: it needs no lock
        except IndexError:
            return self._wait_for_connection(deadline)

    def _wait_for_connection(self, deadline: float) -> Connection:
        with self._changed:
            self.waits += 1
            self._waiting += 1
            try:
                while True:
                    with suppress(IndexError):
                        return self._free.pop()
                    if self._is_away() or not self._changed.wait(deadline - monotonic()):
                        raise DatabaseUnavailableError("no connection is free")
            finally:
                self._waiting -= 1

    def _give_back(self, connection: Connection) -> None:
        if connection.is_broken():
            with self._changed:
                self._drop(connection)
            return
        self._free.append(connection)
        # A waiting call was counted before it looked for a connection: it found this one, or is seen here.
        if self._waiting:
            with self._changed:
                self._changed.notify()

    def _drop(self, connection: Connection) -> None:
        self._connections.discard(connection)
        connection.close()

    @property
    def in_use(self) -> int:
        """The number of connections that calls are using, at most `size`."""
        with self._changed:
            return max(0, len(self._connections) - len(self._free) - 1)  # the keeper uses one

    def is_silent(self, seconds: float) -> bool:
        """Return whether the database has not answered for longer than this."""
        return self._silent > seconds

    def _is_away(self) -> bool:
        return self.is_silent(AWAY_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            with self._changed:
                self._silent += WATCH_SECONDS
            now = monotonic()
            for connection in tuple(self._connections):
                connection.shut_if_overdue(now, self._is_away())

    def _keep(self) -> None:
        """Send heartbeats and fill the pool, until the pool is stopped.

        The keeper's own connection delays no request, and shows first that all connections are broken.
        """
        connection: Connection | None = None
        while not self._stopping.is_set():
            pause = HEARTBEAT_SECONDS
            try:
                connection = self._send_heartbeat(connection)
            except Exception as error:  # the keeper must survive any error and try again
                self._drop_idle(connection, error)
                connection = None
            else:
                if self._fill():
                    pause = FILL_SECONDS
            self._first_try.set()
            self._stopping.wait(pause)

    def _send_heartbeat(self, connection: Connection | None) -> Connection:
        """Return the keeper's connection after the database has answered; open it if there is none."""
        if connection is None:
            connection = self._open_keepers_own()
            logger.info("the database answers")
        else:
            connection.execute("SELECT 1", (), monotonic() + AWAY_SECONDS)
        with self._changed:
            self._silent = 0.0
        return connection

    def _open_keepers_own(self) -> Connection:
        connection = Connection(self._url)
        self._connections.add(connection)  # the watchdog watches it from now on
        try:
            connection.check_schema_version(monotonic() + AWAY_SECONDS)
        except BaseException:
            self._drop(connection)
            raise
        return connection

    def _fill(self) -> bool:
        """Open one connection that the pool lacks, and return whether it did."""
        lacking = self.size + 1 - len(self._connections)  # the keeper uses one
        if not lacking or (lacking < self.size and monotonic() < self._next_fill):
            return False
        try:
            connection = Connection(self._url)
        except Exception as error:  # if the database is away, the next heartbeat will show it
            self._report_shortage(error, lacking)
            return False
        self._is_short = False
        with self._changed:
            self._connections.add(connection)
            self._free.append(connection)
            self._silent = 0.0
            self._changed.notify()
        return True

    def _report_shortage(self, error: Exception, lacking: int) -> None:
        if not self._is_short:
            logger.warning("the pool lacks %d of %d connections: %s", lacking, self.size, str(error).strip())
        self._is_short = True
        self._next_fill = monotonic() + SHORTAGE_SECONDS

    def _drop_idle(self, connection: Connection | None, error: Exception) -> None:
        """Close all idle connections, since the keeper's has failed; calls notice the rest themselves."""
        if connection is not None or not self._first_try.is_set():
            logger.error("the database does not answer: %s", str(error).strip())
        with self._changed:
            self._silent = inf
            if connection is not None:
                self._drop(connection)
            with suppress(IndexError):
                while True:  # until none is free
                    self._drop(self._free.pop())
            self._changed.notify_all()


def is_temporary(error: psycopg2.Error) -> bool:
    """Return whether the same call may succeed in a moment.

    By SQLSTATE class: 40 is a deadlock, 53 a lack of resources, 55 a lock not granted, 57 a cancellation.
    """
    return (error.pgcode or "")[:2] in {"40", "53", "55", "57"}

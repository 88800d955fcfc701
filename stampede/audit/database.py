"""The connection of the audit, which may read every table and keep temporary ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

Answer = TypeVar("Answer")

CONNECT_SECONDS = 5
PATIENCE = 10.0
"""Seconds for a database that is just being restarted."""

SESSION = (
    "-c timezone=UTC -c jit=off -c default_statistics_target=10"
    # For a million orders in a server of 1 GiB. Two workers, where cores are free, halve a scan.
    " -c work_mem=64MB -c temp_buffers=64MB -c max_parallel_workers_per_gather=2"
)


def connect(url: str) -> Connection:
    """A connection whose statements are transactions of their own. Raises psycopg2.OperationalError."""
    connection = psycopg2.connect(
        url, connect_timeout=CONNECT_SECONDS, options=SESSION, application_name="stampede-audit"
    )
    connection.autocommit = True
    return connection


def connect_patiently(url: str) -> Connection:
    """Try for some seconds. Raises psycopg2.OperationalError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return connect(url)
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


class Link:
    """A connection to the database at `url` that is made again when it is lost."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def ask(self, question: Callable[[Cursor], list[Answer]]) -> list[Answer]:
        """What `question` finds; nothing while the database is away. Raises psycopg2.Error."""
        try:
            self._connection = self._connection or connect(self._url)
            with self._connection.cursor() as cursor:
                return question(cursor)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            self.close()
            return []

    def close(self) -> None:
        if self._connection:
            with suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None

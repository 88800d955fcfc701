"""The audit's connection: the auditor reads everything and changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

PATIENCE = 30.0
"""Seconds for a database to be back: it may be restarted in a run."""


@contextmanager
def connect(patience: float = PATIENCE) -> Iterator[Connection]:
    """A connection to AUDIT_DATABASE_URL, closed at the end; psycopg2.Error if there is none in time."""
    connection = _connect(time.monotonic() + patience)
    try:
        yield connection
    finally:
        connection.close()


def _connect(deadline: float) -> Connection:
    url = os.environ.get("AUDIT_DATABASE_URL")
    if not url:
        raise psycopg2.OperationalError(
            "set AUDIT_DATABASE_URL, such as postgresql://auditor@localhost/stampede"
        )
    while True:
        try:
            connection = psycopg2.connect(url, connect_timeout=5, application_name="stampede-audit")
            connection.autocommit = True
            return connection
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)

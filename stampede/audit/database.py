"""The connection of the audit, which may read every table and keep temporary ones."""

from __future__ import annotations

import time

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

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

"""Samples the database once a second during a run: connections, waits, rates, CPU and memory.

Rates are differences of two polls. The audit's own connection is not counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.facts.samples import DatabaseSample
from stampede.sampling.usage import megabytes

QUERY = Path(__file__).with_name("pulse.sql").read_text(encoding="utf-8")

Row = dict[str, Any]
"""The row that pulse.sql returns, and when: `at`, on the monotonic clock."""


class Pulse:
    """Makes a sample of each two polls in a row."""

    def __init__(self) -> None:
        self._last: Row | None = None

    def take(self, cursor: Cursor) -> list[DatabaseSample]:
        """Return the sample of the second that has just passed; none at the first poll.

        Raises psycopg2.Error.
        """
        second = round(time.time()) - 1
        cursor.execute(QUERY)
        ((row,),) = cursor.fetchall()
        row["at"] = time.monotonic()
        last, self._last = self._last, row
        return [sample(second, last, row)] if last else []


def sample(second: int, last: Row, row: Row) -> DatabaseSample:
    """Return the sample of a second, since the epoch, from the rows of two polls."""
    seconds = row["at"] - last["at"]

    def per_second(name: str) -> float | None:
        if row[name] is None or last[name] is None or row[name] < last[name]:  # PostgreSQL was restarted
            return None
        return float(round((row[name] - last[name]) / seconds, 2))

    hits, reads = per_second("blks_hit") or 0.0, per_second("blks_read") or 0.0
    return DatabaseSample(
        second=second,
        cpu_percent=percent(per_second("cpu_seconds")),
        cpu_limit_cores=row["cpu_limit_cores"],
        memory_mb=megabytes(row["memory_bytes"]),
        memory_limit_mb=megabytes(row["memory_limit_bytes"]),
        throttled_percent=percent(per_second("throttled_seconds")),
        connections=row["connections"],
        max_connections=row["max_connections"],
        waits=row["waits"],
        commits=per_second("commits"),
        rollbacks=per_second("rollbacks"),
        deadlocks=per_second("deadlocks"),
        locks_waiting=row["locks_waiting"],
        cache_hit_percent=round(100 * hits / (hits + reads), 2) if hits + reads else None,
        size_mb=megabytes(row["size_bytes"]),
    )


def percent(share: float | None) -> float | None:
    """Return a share of 1 in percent, with one decimal; None where it is not known."""
    return None if share is None else round(100 * share, 1)

"""How the database is, once a second while a run goes on: who is connected, what is waited for, the cost.

Rates are between two looks. Its own connection is not counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.facts.samples import DatabaseSample
from stampede.sampling.usage import megabytes

LOOK = Path(__file__).with_name("pulse.sql").read_text(encoding="utf-8")

Look = dict[str, Any]
"""A row of pulse.sql."""


class Pulse:
    """Makes a sample of each two looks."""

    def __init__(self) -> None:
        self._last: Look | None = None

    def take(self, cursor: Cursor) -> list[DatabaseSample]:
        """Return the sample of the second that has just passed; none at the first look. Raises
        psycopg2.Error."""
        second = round(time.time()) - 1
        cursor.execute(LOOK)
        ((look,),) = cursor.fetchall()
        look["at"] = time.monotonic()
        last, self._last = self._last, look
        return [sample(second, last, look)] if last else []


def sample(second: int, last: Look, look: Look) -> DatabaseSample:
    """Return the sample of a second, since the epoch, from two looks."""
    seconds = look["at"] - last["at"]

    def per_second(name: str) -> float | None:
        if look[name] is None or last[name] is None or look[name] < last[name]:  # it has been restarted
            return None
        return float(round((look[name] - last[name]) / seconds, 2))

    found, read = per_second("blks_hit") or 0.0, per_second("blks_read") or 0.0
    return DatabaseSample(
        second=second,
        cpu_percent=percent(per_second("cpu_seconds")),
        cpu_limit_cores=look["cpu_limit_cores"],
        memory_mb=megabytes(look["memory_bytes"]),
        memory_limit_mb=megabytes(look["memory_limit_bytes"]),
        throttled_percent=percent(per_second("throttled_seconds")),
        connections=look["connections"],
        max_connections=look["max_connections"],
        waits=look["waits"],
        commits=per_second("commits"),
        rollbacks=per_second("rollbacks"),
        deadlocks=per_second("deadlocks"),
        locks_waiting=look["locks_waiting"],
        cache_hit_percent=round(100 * found / (found + read), 2) if found + read else None,
        size_mb=megabytes(look["size_bytes"]),
    )


def percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)

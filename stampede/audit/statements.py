"""The database functions that took the most time in a run: all of the API's statements are function calls.

PostgreSQL counts them itself (`track_functions`), without an extension.
"""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.facts.samples import Statement

MOST = 5

# The time of a trigger is part of the time of the statement that fires it.
CALLS = """
SELECT funcname, sum(calls)::bigint, sum(total_time)
FROM pg_stat_user_functions JOIN pg_proc ON pg_proc.oid = funcid
WHERE prorettype <> 'trigger'::regtype
GROUP BY funcname
"""


class Statements:
    """The calls of functions since the first poll."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[int, float]] | None = None

    def slowest(self, cursor: Cursor) -> list[Statement]:
        """Return the MOST statements with the highest total time, highest first; none at the first poll.

        Raises psycopg2.Error.
        """
        cursor.execute(CALLS)
        counted = {name: (calls, total) for name, calls, total in cursor.fetchall()}
        if self._before is None:
            self._before = counted
        rows = [_since(self._before.get(name, (0, 0.0)), name, *now) for name, now in counted.items()]
        called = [row for row in rows if row.calls]
        return sorted(called, key=lambda row: -(row.total_ms or 0))[:MOST]


def _since(before: tuple[int, float], name: str, calls: int, total: float) -> Statement:
    calls, total = calls - before[0], total - before[1]
    mean = round(total / calls, 2) if calls else 0.0
    return Statement(statement=name, calls=calls, total_ms=round(total, 1), mean_ms=mean)

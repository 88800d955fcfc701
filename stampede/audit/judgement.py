"""The ledger against the database: every check but the summary's."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.audit import ledger
from stampede.facts.verdict import Check, Offender, Verdict

HERE = Path(__file__).resolve().parent

# If its first orders are older than the run, a clock has been set since: then they say when it began.
BEGIN = """
INSERT INTO run
SELECT %(run_id)s, CASE WHEN first_order < mark THEN first_order - interval '10 s' ELSE mark END
FROM (SELECT clock_timestamp() - make_interval(secs => %(age)s) AS mark) AS by_the_clock
CROSS JOIN (
    SELECT min(created_at) AS first_order FROM order_keys
    WHERE key IN (SELECT key FROM told ORDER BY order_id LIMIT 100)
) AS by_the_orders
"""

FIND = """
WITH found AS MATERIALIZED (
    SELECT at, size, jsonb_strip_nulls(offender || jsonb_build_object('at', to_json(at))) AS offender
    FROM {view}
)
SELECT count(*), (SELECT offender FROM found ORDER BY at LIMIT 1),
       (SELECT offender FROM found ORDER BY size DESC NULLS LAST, at LIMIT 1)
FROM found
"""

MARGIN = 0.5
"""Seconds by which the beginning of the run may be taken for earlier than it was; it must not be later."""

IN_DOUBT = {
    "no_unexpected_orders": "a lost worker may not have reported them",
    "sold_out_was_true": "the clocks are not exact enough",
}
"""Why, for the checks that know a doubt."""


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a check's view."""

    count: int
    first: Offender | None
    worst: Offender | None


NOTHING = Found(0, None, None)

ALL_ARE_LOST = """
    INSERT INTO lost_workers
    SELECT worker FROM told UNION SELECT worker FROM untold UNION SELECT worker FROM acts
    UNION SELECT split_part(key, '/', 2) FROM order_keys WHERE key ^@ (%(run_id)s || '/')
"""


def judge(
    connection: Connection, ledger_file: Path, run_id: str, started: float, was_interrupted: bool = False
) -> list[Check]:
    """`started` in seconds since the epoch, by the clock of this machine. A run that was interrupted has lost
    all its workers: nobody was there whom they could report to.

    Raises LedgerError and psycopg2.Error.
    """
    load(connection, ledger_file)
    if was_interrupted:
        with connection.cursor() as cursor:
            cursor.execute(ALL_ARE_LOST, {"run_id": run_id})
    connection.set_session(isolation_level="REPEATABLE READ", autocommit=False)
    with connection, connection.cursor() as cursor:
        gather(cursor, run_id, started)
        return check_all(cursor)


def load(connection: Connection, ledger_file: Path) -> None:
    """What clients were told, into temporary tables."""
    with connection.cursor() as cursor:
        cursor.execute(statements("ledger.sql"))
        ledger.load(ledger_file, cursor)


def gather(cursor: Cursor, run_id: str, started: float) -> None:
    """What is judged, into temporary tables; all of the transaction's snapshot."""
    cursor.execute("ANALYZE told, untold, acts, lost_workers")
    cursor.execute(BEGIN, {"run_id": run_id, "age": time.time() - started + MARGIN})
    cursor.execute("ANALYZE run")
    cursor.execute(statements("books.sql"))


def check_all(cursor: Cursor) -> list[Check]:
    cursor.execute(statements("checks.sql"))
    cursor.execute("SELECT name, number, things, doubts FROM examined")
    return [check(cursor, *row) for row in cursor.fetchall()]


def statements(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def check(cursor: Cursor, name: str, number: int, things: str, doubts: int) -> Check:
    """Return one check: of `number` `things`, of which `doubts` are in doubt."""
    found = find(cursor, name)
    if found.first:
        detail = f"{found.count:,} wrong of {number:,} {things}"
        return _check(name, Verdict.FAIL, number, detail, found)
    if not number:
        return _check(name, Verdict.NOT_ASKED, 0, f"no {things} in this run")
    if not doubts:
        return _check(name, Verdict.PASS, number, f"{number:,} {things}")
    detail = f"{number:,} {things}; {doubts:,} in doubt: {IN_DOUBT[name]}"
    if name == "no_unexpected_orders":  # that a worker was lost is no fault of the shop
        return _check(name, Verdict.PASS, number, detail)
    doubted = replace(find(cursor, f"{name}_in_doubt"), count=doubts)
    return _check(name, Verdict.UNKNOWN, number, detail, doubted)


def _check(name: str, verdict: Verdict, examined: int, detail: str, found: Found = NOTHING) -> Check:
    return Check(
        name=name,
        verdict=verdict,
        examined=examined,
        count=found.count,
        detail=detail,
        first=found.first,
        worst=found.worst,
    )


def find(cursor: Cursor, view: str) -> Found:
    cursor.execute(sql.SQL(FIND).format(view=sql.Identifier(view)))
    (row,) = cursor.fetchall()
    return Found(*row)

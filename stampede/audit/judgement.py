"""Compares the ledger with the database: all checks of the audit, except that of ``GET /summary``."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.audit import ledger
from stampede.audit.entry import WrongLines
from stampede.facts.verdict_json import Check, Offender, Verdict

HERE = Path(__file__).resolve().parent

# A run begins at its time by the clock. If orders of the run are older, the clock was set since: then the run
# began before its first order.
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
WITH offenders AS MATERIALIZED (
    SELECT at, size, jsonb_strip_nulls(offender || jsonb_build_object('at', to_json(at))) AS offender
    FROM {view}
)
SELECT count(*), (SELECT offender FROM offenders ORDER BY at LIMIT 1),
       (SELECT offender FROM offenders ORDER BY size DESC NULLS LAST, at LIMIT 1)
FROM offenders
"""

MARGIN = 0.5
"""Seconds by which the assumed start of the run is early: it must not be later than the real start."""

REASONS_FOR_DOUBT = {
    "no_unexpected_orders": "a lost worker may not have reported them",
    "sold_out_was_true": "the clocks are not exact enough",
}
"""For each check that can be in doubt, the reason."""


@dataclass(frozen=True, slots=True)
class Offenders:
    """What a check's view contains: the number of its rows, the first and the worst."""

    count: int
    first: Offender | None
    worst: Offender | None


NO_OFFENDERS = Offenders(0, None, None)

MARK_ALL_WORKERS_LOST = """
    INSERT INTO lost_workers
    SELECT worker FROM told UNION SELECT worker FROM untold UNION SELECT worker FROM acts
    UNION SELECT split_part(key, '/', 2) FROM order_keys WHERE key ^@ (%(run_id)s || '/')
"""


def judge(
    connection: Connection, ledger_file: Path, run_id: str, started: float, was_interrupted: bool = False
) -> list[Check]:
    """Return the checks of a run. `started` is in seconds since the epoch, by the clock of this machine.

    All workers of an interrupted run are lost: there was no master that they could report to. Raises
    LedgerError and psycopg2.Error.
    """
    wrong_lines = load(connection, ledger_file)
    if was_interrupted:
        with connection.cursor() as cursor:
            cursor.execute(MARK_ALL_WORKERS_LOST, {"run_id": run_id})
    connection.set_session(isolation_level="REPEATABLE READ", autocommit=False)
    with connection, connection.cursor() as cursor:
        gather(cursor, run_id, started)
        return [*check_all(cursor), *wrong_lines.checks()]


def load(connection: Connection, ledger_file: Path) -> WrongLines:
    """Load the answers that clients got, from the ledger into temporary tables; return its wrong lines."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql("ledger.sql"))
        return ledger.load(ledger_file, cursor)


def gather(cursor: Cursor, run_id: str, started: float) -> None:
    """Gather the data to judge into temporary tables, all from the snapshot of one transaction."""
    cursor.execute("ANALYZE told, untold, acts, lost_workers")
    cursor.execute(BEGIN, {"run_id": run_id, "age": time.time() - started + MARGIN})
    cursor.execute("ANALYZE run")
    cursor.execute(read_sql("books.sql"))


def check_all(cursor: Cursor) -> list[Check]:
    """Return all checks of the gathered data."""
    cursor.execute(read_sql("checks.sql"))
    cursor.execute("SELECT name, number, things, doubts FROM examined")
    return [check(cursor, *row) for row in cursor.fetchall()]


def read_sql(name: str) -> str:
    """Return the text of a file next to this module."""
    return (HERE / name).read_text(encoding="utf-8")


def check(cursor: Cursor, name: str, number: int, things: str, doubts: int) -> Check:
    """Return one check of `number` things; `things` is their noun, `doubts` is how many are in doubt."""
    wrong = offenders(cursor, name)
    if wrong.first:
        detail = f"{wrong.count:,} wrong of {number:,} {things}"
        return _check(name, Verdict.FAIL, number, detail, wrong)
    if not number:
        return _check(name, Verdict.NOT_ASKED, 0, f"no {things} in this run")
    if not doubts:
        return _check(name, Verdict.PASS, number, f"{number:,} {things}")
    detail = f"{number:,} {things}; {doubts:,} in doubt: {REASONS_FOR_DOUBT[name]}"
    if name == "no_unexpected_orders":  # a lost worker is not a fault of the shop
        return _check(name, Verdict.PASS, number, detail)
    in_doubt = replace(offenders(cursor, f"{name}_in_doubt"), count=doubts)
    return _check(name, Verdict.UNKNOWN, number, detail, in_doubt)


def _check(name: str, verdict: Verdict, examined: int, detail: str, wrong: Offenders = NO_OFFENDERS) -> Check:
    return Check(
        name=name,
        verdict=verdict,
        examined=examined,
        count=wrong.count,
        detail=detail,
        first=wrong.first,
        worst=wrong.worst,
    )


def offenders(cursor: Cursor, view: str) -> Offenders:
    """Return what the view of a check contains."""
    cursor.execute(sql.SQL(FIND).format(view=sql.Identifier(view)))
    (row,) = cursor.fetchall()
    return Offenders(*row)

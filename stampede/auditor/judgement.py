"""The judgement: ledger and tables side by side, in one snapshot.

ledger.sql makes room for the ledger, books.sql gathers what is judged, checks.sql holds a view for each
check, whose rows are what is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from stampede.auditor import ledger, summary
from stampede.auditor.database import connect
from stampede.auditor.run import Run

FOLDER = Path(__file__).parent

SETTINGS = """
    SET work_mem = '128MB'; SET temp_buffers = '256MB'; SET jit = off; SET statement_timeout = 0;
    SET max_parallel_workers_per_gather = 2; SET timezone = 'UTC';
"""

# The view is computed once: it may be a look at a million orders.
WRONG = """
    CREATE TEMPORARY TABLE wrong AS SELECT * FROM {view};
    SELECT (SELECT count(*) FROM wrong),
           (SELECT offender || jsonb_build_object('at', at) FROM wrong ORDER BY at, size DESC LIMIT 1),
           (SELECT offender || jsonb_build_object('at', at) FROM wrong ORDER BY size DESC, at LIMIT 1)
"""

Check = dict[str, Any]


def judge(run: Run) -> list[Check]:
    """All checks, as docs/audit.md describes them. Raises LedgerError and psycopg2.Error."""
    told = summary.ask(run.host)
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        _fill(cursor, run)
        checks = [_check(cursor, *row) for row in _examined(cursor)]
        recount = summary.recount(cursor)
        cursor.execute("ROLLBACK")
        checks.append(summary.check(cursor, run.host, told, recount))
    return checks


def _fill(cursor: Cursor, run: Run) -> None:
    cursor.execute((FOLDER / "ledger.sql").read_text())
    cursor.execute("INSERT INTO run VALUES (%s, %s, %s)", (run.id, run.mark, run.first_line))
    ledger.load(Path(run.folder) / "ledger.jsonl.gz", cursor)
    cursor.execute("ANALYZE attempts; ANALYZE acts")
    for name in ("books.sql", "checks.sql"):
        cursor.execute((FOLDER / name).read_text())


def _examined(cursor: Cursor) -> list[tuple[str, int, str, int]]:
    cursor.execute("SELECT name, coalesce(examined, 0)::bigint, things, in_doubt FROM examined")
    return cursor.fetchall()


def _check(cursor: Cursor, name: str, examined: int, things: str, in_doubt: int) -> Check:
    """One check: FAIL if something is wrong; UNKNOWN if something cannot be decided that should have been."""
    wrong, first, worst = _wrong(cursor, name)
    verdict, detail = "PASS", f"{examined:,} {things}"
    if wrong:
        verdict, detail = "FAIL", f"{wrong:,} wrong of {examined:,} {things}"
    elif not examined:
        verdict, detail = "NOT_ASKED", f"no {things} in this run"
    elif in_doubt:
        detail += f", {in_doubt:,} in doubt: only a lost worker could tell"
        if _has_doubts(cursor, name):
            _, first, worst = _wrong(cursor, f"{name}_in_doubt")
            verdict, detail = (
                "UNKNOWN",
                f"{in_doubt:,} of {examined:,} {things} in doubt: the clocks disagree by more",
            )
    return {
        **{"name": name, "verdict": verdict, "examined": examined, "count": wrong or in_doubt},
        **{"detail": detail, "first": first, "worst": worst},
    }


def _wrong(cursor: Cursor, view: str) -> tuple[int, Any, Any]:
    cursor.execute(WRONG.format(view=view))
    count, first, worst = cursor.fetchone() or (0, None, None)
    cursor.execute("DROP TABLE wrong")
    return count, first, worst


def _has_doubts(cursor: Cursor, name: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (f"pg_temp.{name}_in_doubt",))
    (there,) = cursor.fetchone() or (False,)
    return bool(there)

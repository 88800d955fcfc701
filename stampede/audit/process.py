"""The audit as a process: ``python -m stampede audit RUN_FOLDER [--json]``.

It is a separate process because psycopg2 would block all greenlets of the master. The master starts it with
the run. While its input is open, it samples the database every second, polls for alarms and prints both. When
the input is closed, the ledger is complete, and it prints its checks. docs/audit.md has the protocol.

When a user runs it, it prints its checks at once: as a table, or as JSON with --json. It exits with 11 if a
check is FAIL, else with 12 if one is UNKNOWN.
"""

from __future__ import annotations

import itertools
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from msgspec.json import encode

from stampede.audit.database import Link, connect, connect_patiently, database_of
from stampede.audit.errors import AuditError
from stampede.audit.judgement import judge
from stampede.audit.lookout import Lookout
from stampede.audit.pulse import Pulse
from stampede.audit.shop_summary import check_summary
from stampede.audit.statements import Statements
from stampede.facts.run_json import FactsError, read
from stampede.facts.verdict_json import Check, Verdict, worst
from stampede.report.formatting import offender

POLL_INTERVAL = 2
"""Seconds from one poll for alarms to the next."""

EXIT_CODES = {Verdict.FAIL: 11, Verdict.UNKNOWN: 12}


@dataclass(frozen=True, slots=True)
class Run:
    """The run to audit. `started` is in seconds since the epoch, `database` is a libpq connection string."""

    folder: Path
    database: str
    id: str
    started: float
    host: str | None
    is_going_on: bool
    was_interrupted: bool = False

    @classmethod
    def of(cls, folder: Path, environment: Mapping[str, str]) -> Run:
        """Return the run that the master describes in the environment, or else that of the folder's run.json.

        Raises AuditError, psycopg2.ProgrammingError for an invalid URL of the database, and FactsError where
        there is no run.json that can be read.
        """
        database = database_of(environment)
        if "STAMPEDE_RUN_ID" not in environment:
            return cls._from_run_json(folder, database)
        try:
            started = float(environment["STAMPEDE_STARTED_AT"])
        except (KeyError, ValueError):
            raise AuditError("STAMPEDE_STARTED_AT must be the seconds since the epoch") from None
        host = environment.get("STAMPEDE_HOST") or None
        return cls(folder, database, environment["STAMPEDE_RUN_ID"], started, host, is_going_on=True)

    @classmethod
    def _from_run_json(cls, folder: Path, database: str) -> Run:
        run = read(folder)
        return cls(folder, database, run.id, run.started_at.timestamp(), run.host, False, run.interrupted)


def main(folder: Path, *, as_json: bool = False) -> int:
    """Audit the run in this folder. Returns the exit code."""
    try:
        run = Run.of(folder, os.environ)
        if run.is_going_on:
            watch(run.database)
        checks = audit(run)
    except FactsError as error:
        print(f"stampede: {error}", file=sys.stderr)
        return 2
    except (AuditError, psycopg2.Error, OSError) as error:
        print(f"audit: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if run.is_going_on or as_json:
        send({"checks": checks})
    else:
        print(table(checks))
    return 0 if run.is_going_on else exit_code(checks)


def exit_code(checks: Sequence[Check]) -> int:
    """Return the exit code of checks: FAIL comes before UNKNOWN, as in the verdict on a run."""
    return EXIT_CODES.get(worst(check.verdict for check in checks), 0)


def watch(database: str) -> None:
    """Print samples and alarms during the run. Returns when the run has ended: stdin is closed then."""
    lookout, pulse, statements = Lookout(), Pulse(), Statements()
    with closing(Link(database)) as link:
        link.ask(statements.slowest)
        for second in itertools.count():
            if second % POLL_INTERVAL == 0:
                send(*link.ask(lookout.poll))
            with suppress(psycopg2.Error):  # a process of PostgreSQL ended while it was sampled
                send(*({"sample": sample} for sample in link.ask(pulse.take)))
            if has_ended(1 - time.time() % 1):
                send({"statements": link.ask(statements.slowest)})
                return


def send(*lines: object) -> None:
    """Print lines of JSON for the master."""
    for line in lines:
        print(encode(line).decode(), flush=True)


def has_ended(seconds: float) -> bool:
    """Return whether stdin is closed within that time. Its content is ignored."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([sys.stdin], [], [], left)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return True
    return False


def audit(run: Run) -> list[Check]:
    """Return the checks of a run. Raises AuditError and psycopg2.Error."""
    with closing((connect_patiently if run.is_going_on else connect)(run.database)) as connection:
        checks = judge(connection, run.folder / "ledger.jsonl.gz", run.id, run.started, run.was_interrupted)
        if not run.is_going_on:
            require_orders(checks)
        return [*checks, check_summary(connection, run.host)]


def require_orders(checks: Sequence[Check]) -> None:
    """Raise AuditError where no order of the run is left: a later run has reset the database."""
    for check in checks:
        if check.name == "acknowledged_orders_kept" and 0 < (check.examined or 0) == check.count:
            raise AuditError("the database has no order of this run any more: the data cannot be checked")


def table(checks: Sequence[Check]) -> str:
    """Return the checks as a table, for people."""
    lines = []
    for check in checks:
        lines.append(f"{check.verdict:9} {check.name:26} {check.detail}")
        lines += [f"{'':9} {which}: {offender(wrong)}" for which, wrong in check.offenders.items()]
    return "\n".join(lines)

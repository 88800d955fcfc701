"""Is the data right that a run has left? ``python -m stampede audit RUN_FOLDER [--json]``

A process of its own, without Locust: psycopg2 would stop all greenlets of the master. When the run starts,
the master starts it; as long as its input is open it looks each second at how the database is, and now and
then for the worst, and prints what it sees; when its input is closed the ledger is complete, and it judges.
docs/audit.md has the protocol.

By hand it judges at once and prints a table, or with --json its judgement. It exits with 11 if a check is
FAIL, else with 12 if one is UNKNOWN.
"""

from __future__ import annotations

import itertools
import json
import os
import select
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import psycopg2

from stampede.audit.check import AuditError, Check, Offender
from stampede.audit.database import Link, connect, connect_patiently
from stampede.audit.judgement import judge
from stampede.audit.lookout import Lookout
from stampede.audit.pulse import Pulse
from stampede.audit.statements import Statements
from stampede.audit.summary import check_summary
from stampede.facts.check import FAIL, UNKNOWN

LOOK_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Run:
    """What is audited. `started` in seconds since the epoch."""

    folder: Path
    database: str
    id: str
    started: float
    host: str | None
    is_going_on: bool
    was_interrupted: bool = False

    @classmethod
    def of(cls, folder: Path, environment: Mapping[str, str]) -> Run:
        """From what the master says; where it says nothing, by hand, from run.json. Raises AuditError."""
        database = environment.get("AUDIT_DATABASE_URL")
        if not database:
            raise AuditError("AUDIT_DATABASE_URL must say which database to look into, as the role auditor")
        if "STAMPEDE_RUN_ID" not in environment:
            return cls._left_behind(folder, database)
        try:
            started = float(environment["STAMPEDE_STARTED_AT"])
        except (KeyError, ValueError):
            raise AuditError("STAMPEDE_STARTED_AT must be the seconds since the epoch") from None
        host = environment.get("STAMPEDE_HOST") or None
        return cls(folder, database, environment["STAMPEDE_RUN_ID"], started, host, is_going_on=True)

    @classmethod
    def _left_behind(cls, folder: Path, database: str) -> Run:
        try:
            facts = json.loads((folder / "run.json").read_bytes())
            started = datetime.fromisoformat(facts["started_at"]).timestamp()
            interrupted = bool(facts.get("interrupted"))
            return cls(folder, database, facts["id"], started, facts["host"], False, interrupted)
        except OSError as error:
            raise AuditError(f"{folder} is no run's folder: {error.strerror}: run.json") from None
        except (ValueError, KeyError, TypeError):
            raise AuditError(f"{folder / 'run.json'} is not what a run leaves behind") from None


def main(folder: Path, *, as_json: bool = False) -> int:
    """Audit the run in this folder; returns the exit code."""
    try:
        run = Run.of(folder, os.environ)
        if run.is_going_on:
            watch(run.database)
        checks = audit(run)
    except (AuditError, psycopg2.Error, OSError) as error:
        print(f"audit: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if run.is_going_on or as_json:
        tell({"checks": [asdict(check) for check in checks]})
    else:
        print(table(checks))
    return 0 if run.is_going_on else exit_code(checks)


def exit_code(checks: Sequence[Check]) -> int:
    """As a run's: what is wrong goes before what is not known."""
    verdicts = {check.verdict for check in checks}
    return 11 if FAIL in verdicts else 12 if UNKNOWN in verdicts else 0


def watch(database: str) -> None:
    """Print what can be seen while the run goes on; returns at its end, when our input is closed."""
    lookout, pulse, statements = Lookout(), Pulse(), Statements()
    with closing(Link(database)) as link:
        link.ask(statements.slowest)
        for second in itertools.count():
            if second % LOOK_SECONDS == 0:
                tell(*link.ask(lookout.look))
            with suppress(psycopg2.Error):  # a process ended while it was looked at
                tell(*({"sample": sample} for sample in link.ask(pulse.take)))
            if has_ended(1 - time.time() % 1):
                tell({"statements": link.ask(statements.slowest)})
                return


def tell(*lines: object) -> None:
    """To the master."""
    for line in lines:
        print(json.dumps(line), flush=True)


def has_ended(seconds: float) -> bool:
    """Whether our input ends within that time. What comes over it means nothing."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([sys.stdin], [], [], left)
        if readable and not os.read(sys.stdin.fileno(), 4096):
            return True
    return False


def audit(run: Run) -> list[Check]:
    """Raises AuditError and psycopg2.Error."""
    with closing((connect_patiently if run.is_going_on else connect)(run.database)) as connection:
        checks = judge(connection, run.folder / "ledger.jsonl.gz", run.id, run.started, run.was_interrupted)
        if not run.is_going_on:
            refuse_what_is_gone(checks)
        return [*checks, check_summary(connection, run.host)]


def refuse_what_is_gone(checks: Sequence[Check]) -> None:
    """By hand it may be too late: the next run has begun with the seeded catalogue. Raises AuditError."""
    for check in checks:
        if check.name == "acknowledged_orders_kept" and 0 < check.examined == check.count:
            raise AuditError(
                "not one order of this run is there any more: its data are gone, nothing can be said"
            )


def table(checks: Sequence[Check]) -> str:
    """For people."""
    lines = []
    for check in checks:
        lines.append(f"{check.verdict:9} {check.name:26} {check.detail}")
        lines += [f"{'':9} {name}: {in_words(one)}" for name, one in offenders(check)]
    return "\n".join(lines)


def offenders(check: Check) -> list[tuple[str, Offender]]:
    """The first and the worst, if it is another."""
    worst = None if check.worst == check.first else check.worst
    return [(name, one) for name, one in (("first", check.first), ("worst", worst)) if one]


def in_words(offender: Offender) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in offender.items() if name != "what")
    return f"{offender['what']} ({facts})"

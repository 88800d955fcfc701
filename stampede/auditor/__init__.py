"""Is the data right that a run has left? A process of its own: neither Locust nor gevent is in it.

It follows the protocol of docs/audit.md: watch while the run goes on, judge when standard input ends.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import psycopg2

from stampede.auditor.database import connect
from stampede.auditor.judgement import judge
from stampede.auditor.ledger import LedgerError
from stampede.auditor.run import Run, RunError
from stampede.auditor.watch import watch_until_input_ends

CRASHED, WRONG_DATA = 1, 11


def main(arguments: list[str]) -> int:
    """Audit the run whose folder is named; returns the exit code.

    Started by the master it speaks JSON; by hand it judges at once and prints a table: 0, or 11 if the
    data is wrong. What keeps it from judging is one line on standard error, and 1.
    """
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m stampede audit RUN_FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    try:
        if "STAMPEDE_RUN_ID" in os.environ:
            return _for_the_master(folder)
        return _by_hand(folder)
    except (psycopg2.Error, LedgerError, RunError) as error:
        print(f"stampede audit: {str(error).strip().splitlines()[0]}", file=sys.stderr)
        return CRASHED
    except KeyboardInterrupt:
        return CRASHED


def _for_the_master(folder: Path) -> int:
    with connect() as connection:
        run = Run.begin(folder, connection)
    watch_until_input_ends(run)
    print(json.dumps({"checks": judge(run)}, default=str), flush=True)
    return 0


def _by_hand(folder: Path) -> int:
    checks = judge(Run.recall(folder))
    for check in checks:
        print(f"{check['verdict']:9} {check['name']:26} {check['detail']}")
        for which in ("first", "worst"):
            if check[which]:
                print(f"            {which}: {_words(check[which])}")
    return WRONG_DATA if any(check["verdict"] == "FAIL" for check in checks) else 0


def _words(offender: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in offender.items() if value is not None)

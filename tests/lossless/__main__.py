"""Compare stock Locust with Stampede: `python -m tests.lossless [ROW …]`.

Each row does the same to a cluster of each. It compares the master's figures at the end with the requests
that the target has received. Without names all rows are run, and docs/lossless.md is written. The exit code
is 0 if Stampede lost nothing, else 1. It is 2 for an unknown row, and if no row can be run on this machine.
Logs are kept in .local/lossless.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import NoReturn

from tests.checkout import ROOT
from tests.lossless.compare import compare
from tests.lossless.page import page
from tests.lossless.rows import ROWS, Row
from tests.lossless.table import as_text, complaints

PAGE = ROOT / "docs" / "lossless.md"


def main(names: Sequence[str]) -> int:
    """Run the rows and print what they show; returns the exit code."""
    known = {row.name: row for row in ROWS}
    if unknown := set(names) - set(known):
        print(f"lossless: there is no row '{min(unknown)}': use one of {', '.join(known)}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        return _compare([known[name] for name in names] or ROWS, whole=not names)
    except KeyboardInterrupt:
        print("\nlossless: interrupted", file=sys.stderr)
        return 130


def _compare(rows: Sequence[Row], *, whole: bool) -> int:
    outcomes = compare(rows)
    wrong = complaints(outcomes)
    print("\n" + as_text(outcomes) + "\n")
    if all(outcome.skipped for outcome in outcomes):
        print("lossless: no row could be compared on this machine", file=sys.stderr)
        return 2
    for complaint in wrong:
        print(f"  {complaint}")
    if wrong:
        print(f"LOST: {len(wrong)} figures of Stampede are not what is due")
        return 1
    if whole:
        PAGE.write_text(page(outcomes, version("locust"), datetime.now(UTC).date()))
        print(f"{PAGE.relative_to(ROOT)} is written")
    print("LOSSLESS: all figures of Stampede are what is due")
    return 0


def _interrupt(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # another one does not leave half a cluster
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.lossless", description="Compare stock Locust and Stampede."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names; default: all")
    sys.exit(main(parser.parse_args().rows))

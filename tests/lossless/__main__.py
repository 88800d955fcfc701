"""Stock Locust and Stampede side by side: `python -m tests.lossless [ROW …]`.

Each row does the same to a cluster of either, and compares what the master knows in the end with what
the target has seen. With no names all rows are run, and docs/lossless.md is written anew. Exits with 0
if ours lost nothing, else with 1; with 2 for a row that there is not, and where none can be run on this
machine. Logs are kept in .local/lossless.
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
        print(f"lossless: there is no row '{min(unknown)}': choose of {', '.join(known)}", file=sys.stderr)
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
        print("lossless: nothing was compared", file=sys.stderr)
        return 2
    for complaint in wrong:
        print(f"  {complaint}")
    if wrong:
        print(f"LOST: {len(wrong)} figures of ours are not what they have to be")
        return 1
    if whole:
        PAGE.write_text(page(outcomes, version("locust"), datetime.now(UTC).date()))
        print(f"{PAGE.relative_to(ROOT)} is written anew")
    print("LOSSLESS: ours are all what they have to be")
    return 0


def _interrupt(*_: object) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):  # another one does not leave half a cluster
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.lossless", description="Beside stock Locust.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these; all where none is named")
    sys.exit(main(parser.parse_args().rows))

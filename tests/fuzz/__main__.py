"""Fuzz the readers, the shop and the API: `python -m tests.fuzz [--cases N] [TEST …]`.

N is the number of cases of each property; default: 4000. A TEST is the name of a file of tests/fuzz without
`test_`, such as targets; default: all. Cases that failed are kept in .local/fuzz, and tried again first. The
exit code is pytest's: 0 if no case failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from tests.checkout import ROOT

CASES = 4000


def main(cases: int, names: list[str]) -> int:
    """Run the tests with so many cases; return pytest's exit code."""
    folder = Path(__file__).parent
    tests = [str(folder / f"test_{name}.py") for name in names] or [str(folder)]
    command = [sys.executable, "-m", "pytest", "-m", "long or not long", "--timeout", "3600", *tests]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "FUZZ_CASES": str(cases)}).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz readers, shop and API.")
    parser.add_argument(
        "cases", nargs="?", type=int, default=CASES, help=f"of each property; default: {CASES}"
    )
    parser.add_argument("tests", nargs="*", metavar="TEST", help="such as targets; default: all")
    arguments = parser.parse_args()
    sys.exit(main(arguments.cases, arguments.tests))

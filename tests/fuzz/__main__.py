"""Fuzz the readers, the shop and the API: `python -m tests.fuzz [--cases N] [TEST …]`.

N is the number of cases of each property; default: 4000. Slow properties have a part of them. A TEST is the
name of a file of tests/fuzz without `test_`, such as targets; default: all. Prints each test, every ten
seconds how long it takes, and at the end the number of cases by kind. Cases that failed are kept in
.local/fuzz, and tried again first. The exit code is pytest's: 0 if no case failed.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from tests.checkout import ROOT

FOLDER = Path(__file__).parent
CASES = 4000
LONGEST_SILENCE = 10.0
"""Seconds."""


def main(cases: int, names: list[str]) -> int:
    """Run the tests with so many cases; return pytest's exit code."""
    tests = [str(FOLDER / f"test_{name}.py") for name in names] or [str(FOLDER)]
    command = [sys.executable, "-m", "pytest", "-v", "-m", "long or not long", "--timeout", "3600", *tests]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "FUZZ_CASES": str(cases)}, stdout=subprocess.PIPE
    ) as child:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # pytest gets Ctrl-C too, and prints what it has found
        assert child.stdout is not None
        show(child.stdout)
    return child.returncode


def show(output: IO[bytes]) -> None:
    """Print a process's output, and while there is none, that it still runs."""
    begun = time.monotonic()
    while True:
        if not select.select([output], [], [], LONGEST_SILENCE)[0]:
            print(f"{time.monotonic() - begun:.0f} s … ", end="", flush=True)
        elif text := os.read(output.fileno(), 65_536):
            print(text.decode(errors="replace"), end="", flush=True)
        else:
            return


def number_of_cases(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def test_name(text: str) -> str:
    names = sorted(file.stem.removeprefix("test_") for file in FOLDER.glob("test_*.py"))
    if text not in names:
        raise argparse.ArgumentTypeError(f"there is no test {text!r}: use one of {', '.join(names)}")
    return text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz readers, shop and API.")
    parser.add_argument(
        "--cases", type=number_of_cases, default=CASES, help=f"of each property; default: {CASES}"
    )
    parser.add_argument(
        "tests", nargs="*", type=test_name, metavar="TEST", help="such as targets; default: all"
    )
    arguments = parser.parse_args()
    sys.exit(main(arguments.cases, arguments.tests))

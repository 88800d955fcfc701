"""`python -m tests.cases [CASE …]`: run the cases, and print for each whether the right value came out.

Exits with 0 if every case gave its right value, else with 1.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from traceback import extract_tb

from tests.cases.catalogue import CASES, Named
from tests.checkout import Checkout, copied_project

CLUSTERS = 2
"""Cases that run at the same time: their users mostly wait."""


def main(names: Sequence[str]) -> int:
    """Run the cases of these names, or all; return the exit code."""
    chosen = [each for each in CASES if not names or any(each.name.startswith(name) for name in names)]
    if not chosen:
        print(
            f"there is no such case: choose among {', '.join(each.name for each in CASES)}", file=sys.stderr
        )
        return 2
    began = time.monotonic()
    with copied_project() as first, copied_project() as second:
        idle: SimpleQueue[Checkout] = SimpleQueue()
        idle.put(first)
        idle.put(second)
        with ThreadPoolExecutor(CLUSTERS) as pool:
            wrong = sum(not is_right for is_right in pool.map(lambda each: _try(each, idle), chosen))
        for checkout in (first, second):
            checkout.make("reset", "RUNTIME=local", "FORCE=1")
    seconds = time.monotonic() - began
    print(f"\n{len(chosen) - wrong} of {len(chosen)} cases gave the right value ({seconds:.0f} s)")
    return 1 if wrong else 0


def _try(named: Named, idle: SimpleQueue[Checkout]) -> bool:
    checkout = idle.get()
    try:
        seen, is_right = named.assert_right(checkout).in_words(), True
    except AssertionError as error:
        seen, is_right = str(error) or f"line {_line(error)} does not hold", False
    except Exception as error:
        seen, is_right = f"line {_line(error)}: {type(error).__name__}: {error}", False
    finally:
        idle.put(checkout)
    print(f"{'right' if is_right else 'WRONG'}  {named.name}: {named.right}\n       {seen}", flush=True)
    return is_right


def _line(error: Exception) -> int | None:
    """The last line of the catalogue in a traceback."""
    return next(
        frame.lineno for frame in reversed(extract_tb(error.__traceback__)) if "catalogue" in frame.filename
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.cases", description="Run the cases from the field."
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help="such as 02; all where none is named")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    sys.exit(main(parser.parse_args().cases))

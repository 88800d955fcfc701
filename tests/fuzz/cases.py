"""How many cases are tried, and what each of them must hold.

`make test` tries few, always the same. `make fuzz` tries FUZZ_CASES of each property, and others each time.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.checkout import ROOT

FEW = 20
CASES = int(os.environ.get("FUZZ_CASES") or 0)
"""Of each property; 0 for the few of `make test`."""

MOST_CPU = 2.0
"""Seconds of CPU for one case, of at most some 100 KB. Most take a thousandth of this.

It is CPU, not wall time: other processes of the machine change nothing.
"""

tried: Counter[str] = Counter()
"""How many cases were tried, by reader."""

KEPT = DirectoryBasedExampleDatabase(ROOT / ".local" / "fuzz")
"""The cases that failed. The next `make fuzz` tries them first."""


def length(slowness: int = 1, least: int = 5, **others: Any) -> settings:
    """Return the settings of a property: a slow one has a part of the cases, and at least so many."""
    return settings(
        max_examples=max(least, (CASES or FEW) // slowness),
        derandomize=not CASES,
        database=KEPT if CASES else None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        **others,
    )


@contextmanager
def case(reader: str, *own: type[Exception]) -> Iterator[None]:
    """Try one case of a reader. Errors of the types `own` end it, and are no failure."""
    tried[reader] += 1
    begun = time.thread_time()
    with suppress(*own):
        yield
    spent = time.thread_time() - begun
    assert spent < MOST_CPU, f"{reader} took {spent:.1f} s of CPU for one case"

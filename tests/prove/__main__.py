"""Proof that the audit can fail: `python -m tests.prove [FAULT …]`.

For each planted fault the same scenarios run against a database that has it, and the check that must see
it must turn red; without a fault all are green. With no names every fault is tried, and every check must
be turned red by one. Exits with 0 if all of it holds, else with 1. The folders of the runs are kept in
.local/prove.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from postgres.place import EmbeddedPostgresError
from rig.master import MasterGoneError
from rig.settings import UsageError
from tests.checkout import ROOT, ClusterError
from tests.prove import cluster
from tests.prove.cluster import Cluster
from tests.prove.faults import Fault, FaultError, choose
from tests.prove.proof import Trial, complaints, correct, not_clean, table, unproven

KEPT = ROOT / ".local" / "prove"
FAILURES = (ClusterError, FaultError, EmbeddedPostgresError, MasterGoneError, UsageError, AssertionError)
"""What can keep the proof from being carried out; the last is what a wait in vain ends with."""


def main(names: Sequence[str]) -> int:
    """Try the faults and print what came of it; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    begun = time.monotonic()
    try:
        clean, *trials = _try_all(choose(names))
    except FAILURES as error:
        print(f"prove: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nprove: interrupted", file=sys.stderr)
        return 130
    wrong = not_clean(clean.checks) + complaints(trials) + ([] if names else unproven(clean.checks, trials))
    print("\n" + table(clean, trials))
    for complaint in wrong:
        print(f"  {complaint}")
    print(f"\n{_sum_up(len(trials), len(wrong))} ({time.monotonic() - begun:.0f} s)")
    return 1 if wrong else 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _try_all(faults: Sequence[Fault]) -> list[Trial]:
    """One run without a fault, then one with each."""
    shutil.rmtree(KEPT, ignore_errors=True)
    print("Starting a cluster to plant faults in …", flush=True)
    with cluster.running() as found:
        trials = [_try(found, fault) for fault in (None, *faults)]
        print("Taking it down …", flush=True)
    return trials


def _try(found: Cluster, fault: Fault | None) -> Trial:
    """One run, shown in a line."""
    begun = time.monotonic()
    name = fault.name if fault else "(no fault)"
    print(f"  {name:30} ", end="", flush=True)
    checks = correct(found.run(fault, KEPT / (fault.name if fault else "clean")))
    trial = Trial(name, fault.caught_by if fault else frozenset(), checks)
    print(f"{time.monotonic() - begun:4.1f} s  {trial.in_words()}", flush=True)
    return trial


def _sum_up(faults: int, wrong: int) -> str:
    if wrong:
        return f"NOT PROVEN: {wrong} of what had to be seen was not"
    return (
        f"PROVEN: green without a fault, and each of {faults} faults turned red by the check that must see it"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Prove that the checks can fail: `python -m tests.prove [FAULT …]`.

For CORRECT, the same scenarios run against the database, once without a fault and once with each planted
fault. For VALID, the same users run, once undisturbed and once with each disturbance of a worker. Without a
fault all checks must be green; each fault must turn its checks red. Without names every fault is tried, and
each check of CORRECT must be red for at least one. The exit code is 0 if all of this holds, else 1. The
folders of the runs are kept in .local/prove.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from typing import NoReturn

from postgres.place import EmbeddedPostgresError
from stampede.rig import UsageError
from stampede.rig.master import MasterGoneError
from tests.checkout import ROOT, ClusterError
from tests.prove import cluster, disturbances, faults
from tests.prove.cluster import Cluster
from tests.prove.disturbances import CLEAN, THROTTLED, Disturbance
from tests.prove.faults import Fault, FaultError
from tests.prove.proof import (
    RED_IN_VALID,
    Trial,
    checks_of,
    complaints,
    not_clean,
    not_valid,
    table,
    unproven,
)

KEPT = ROOT / ".local" / "prove"
FAILURES = (ClusterError, FaultError, EmbeddedPostgresError, MasterGoneError, UsageError, AssertionError)
"""What can keep the proof from being carried out; the last is what a wait in vain ends with."""


def main(names: Sequence[str]) -> int:
    """Try the faults and print what came of it; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    begun = time.monotonic()
    try:
        of_correct, of_valid = _choose(names)
        shutil.rmtree(KEPT, ignore_errors=True)
        wrong = _prove_correct(of_correct, is_all=not names) if of_correct else []
        wrong += _prove_valid(of_valid) if of_valid else []
    except FAILURES as error:
        print(f"prove: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nprove: interrupted", file=sys.stderr)
        return 130
    for complaint in wrong:
        print(f"  {complaint}")
    print(f"\n{_sum_up(len(of_correct) + len(of_valid), len(wrong))} ({time.monotonic() - begun:.0f} s)")
    return 1 if wrong else 0


def _choose(names: Sequence[str]) -> tuple[list[Fault], list[Disturbance]]:
    """The faults of CORRECT and of VALID of these names, or all. Raises FaultError."""
    known = disturbances.read()
    of_valid = [each for name, each in known.items() if not names or name in names]
    if any(each.name == THROTTLED for each in of_valid) and not disturbances.can_throttle():
        print(f"{THROTTLED} is skipped: no container engine answers")
        of_valid = [each for each in of_valid if each.name != THROTTLED]
    rest = [name for name in names if name not in known]
    of_correct = faults.choose(rest, known) if rest or not names else []
    if not of_correct and not of_valid:
        raise FaultError("no fault is left to try")
    return of_correct, of_valid


def _prove_correct(chosen: Sequence[Fault], is_all: bool) -> list[str]:
    """One run without a fault, then one with each; returns what had to be seen and was not."""
    print("Starting a cluster for the faults of CORRECT …", flush=True)
    with cluster.running() as found:
        clean, *trials = [_try(found, fault) for fault in (None, *chosen)]
        print("Stopping the cluster …", flush=True)
    print("\n" + table(clean, trials) + "\n")
    return not_clean(clean.checks) + complaints(trials) + (unproven(clean.checks, trials) if is_all else [])


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _try(found: Cluster, fault: Fault | None) -> Trial:
    name = fault.name if fault else "(no fault)"
    begun = _announce(name)
    checks = checks_of("correct", found.run(fault, KEPT / (fault.name if fault else "clean")))
    return _told(Trial(name, fault.caught_by if fault else frozenset(), checks), begun)


def _prove_valid(chosen: Sequence[Disturbance]) -> list[str]:
    """One run that nothing disturbs, then one with each fault; what is done to a container needs one."""
    inside = [each for each in chosen if each.name != THROTTLED]
    clean, *trials = _disturb("local", [None, *inside])
    if outside := [each for each in chosen if each.name == THROTTLED]:
        trials += _disturb("compose", outside)
    print("\n" + table(clean, trials) + "\n")
    return not_valid(clean.checks) + complaints(trials)


def _disturb(runtime: str, chosen: Iterable[Disturbance | None]) -> list[Trial]:
    print(f"Starting a cluster for the faults of VALID ({runtime}) …", flush=True)
    with disturbances.running(runtime) as found:
        trials = [_try_disturbed(found, fault) for fault in chosen]
        print("Stopping the cluster …", flush=True)
    return trials


def _try_disturbed(found: disturbances.Cluster, fault: Disturbance | None) -> Trial:
    name = fault.name if fault else "(undisturbed)"
    begun = _announce(name)
    checks = checks_of("valid", found.run(fault.name if fault else CLEAN, KEPT / name.strip("()")))
    return _told(Trial(name, fault.caught_by if fault else frozenset(), checks, RED_IN_VALID), begun)


def _announce(name: str) -> float:
    """Say what is tried; returns when."""
    print(f"  {name:30} ", end="", flush=True)
    return time.monotonic()


def _told(trial: Trial, begun: float) -> Trial:
    """Say in the same line what came of it."""
    print(f"{time.monotonic() - begun:4.1f} s  {trial.in_words()}", flush=True)
    return trial


def _sum_up(faults: int, wrong: int) -> str:
    if wrong:
        return f"NOT PROVEN: {wrong} complaint{'s' * (wrong > 1)}"
    return f"PROVEN: all checks are green without a fault, and each of {faults} faults turned its checks red"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.prove", description="Prove that checks can fail.")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="names; default: all")
    sys.exit(main(parser.parse_args().faults))

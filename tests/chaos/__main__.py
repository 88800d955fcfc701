"""Break parts of a cluster under load: `python -m tests.chaos [PLAN]`.

PLAN is the name of a plan in tests/chaos/, or the path of a .toml file; default: `default`. RUNTIME is
compose or local; default: compose if a container engine answers. Prints a table of the faults, and the
complaints. The exit code is 0 without complaints, 1 with complaints, 2 for a plan that cannot be carried out.
The folders of the runs and the output of the cluster are kept in .local/chaos.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from postgres.place import EmbeddedPostgresError
from stampede.audit.errors import AuditError
from stampede.rig import UsageError
from stampede.rig.compose import Compose
from stampede.rig.master import MasterGoneError
from tests.chaos import control, plan, run
from tests.chaos.cluster import ActError, Cluster
from tests.chaos.containers import Containers
from tests.chaos.plan import Plan, PlanError
from tests.chaos.processes import Processes
from tests.chaos.report import Report, table
from tests.checkout import ROOT, ClusterError, copied_project, ignore_interrupts

KEPT = ROOT / ".local" / "chaos"
RUNTIMES = {"compose": Containers, "local": Processes}
FAILURES = (
    *(ActError, AuditError, ClusterError, EmbeddedPostgresError, MasterGoneError, UsageError),
    AssertionError,  # what a wait in vain ends with
)
BEGUN = time.monotonic()


def main(name: str) -> int:
    """Carry out a plan and print what came of it; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        wanted = plan.read(plan.find(name))
        return _carry_out(wanted, _runtime())
    except PlanError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    except FAILURES as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nchaos: interrupted; the cluster is stopped", file=sys.stderr)
        return 130


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _runtime() -> str:
    """As it is asked for, else compose where an engine answers. Raises PlanError."""
    name = os.environ.get("RUNTIME") or ("compose" if Compose.available() else "local")
    if name not in RUNTIMES:
        raise PlanError(f"RUNTIME must be compose or local, not {name!r}")
    return name


def _carry_out(wanted: Plan, runtime: str) -> int:
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    with _running(wanted, runtime) as cluster:
        report = run.carry_out(cluster, wanted, KEPT, _say)
        _print(report)
        if wanted.negative_control:
            report.complaints += _control(cluster, wanted)
        _say("stopping the cluster")
    for complaint in report.complaints:
        print(f"  {complaint}")
    print(f"\n{_sum_up(report)} ({time.monotonic() - BEGUN:.0f} s, {runtime})")
    return 1 if report.complaints else 0


def _sum_up(report: Report) -> str:
    if wrong := len(report.complaints):
        return f"NOT SURVIVED: {wrong} complaint{'s' * (wrong > 1)}"
    left_out = sum(row.skipped for row in report.rows)
    besides = f", {left_out} not possible with this runtime" if left_out else ""
    return f"SURVIVED: {len(report.rows) - left_out} faults{besides}"


@contextmanager
def _running(wanted: Plan, runtime: str) -> Iterator[Cluster]:
    """A cluster with ports of its own; nothing of it is left at the end, whatever happened."""
    with copied_project() as checkout:
        try:
            _say(f"starting a cluster of {wanted.load.workers} workers: {runtime}")
            checkout.bring_up(runtime, wanted.load.workers)
            cluster = RUNTIMES[runtime](checkout)
            try:
                yield cluster
            finally:
                ignore_interrupts()
                cluster.heal()
                cluster.keep_logs(KEPT)
        finally:
            ignore_interrupts()
            checkout.rig("reset", f"RUNTIME={runtime}", "FORCE=1")
            if runtime == "compose":
                checkout.run("docker", "compose", "down", "--volumes", "--rmi", "local")


def _print(report: Report) -> None:
    print("\n" + table(report.rows) + "\n", flush=True)
    for remark in report.remarks:
        print(remark, flush=True)


def _control(cluster: Cluster, wanted: Plan) -> list[str]:
    """What is wrong with the negative control."""
    found, words = control.lost_order_is_found(cluster, wanted.load, KEPT)
    print(f"\nNegative control (synchronous_commit = off, PostgreSQL killed): {words}")
    print(
        "the audit found the lost orders\n" if found else "the audit did NOT find the lost orders\n",
        flush=True,
    )
    return [] if found else ["negative control: a lost order was not found"]


def _say(words: str) -> None:
    print(f"{time.monotonic() - BEGUN:6.1f} s  {words}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Break parts of a cluster under load."
    )
    parser.add_argument(
        "plan", nargs="?", default="default", help="name of a plan in tests/chaos/, or a .toml file"
    )
    sys.exit(main(parser.parse_args().plan))

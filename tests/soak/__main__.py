"""Run a long, paced load, and check that no role grows: `python -m tests.soak [--run-time 30m]`.

Starts a cluster of processes with two workers and ports of its own, samples what each role uses while all
users run, and stops the cluster. The roles are the master, the workers, the API and PostgreSQL. Prints
progress and a table; growth.py describes the rule. The exit code is 0 if all roles are flat, 1 if one has
grown, 2 for a run that cannot be carried out, 130 for Ctrl-C.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from stampede.rig import UsageError, values
from stampede.rig.master import Master, MasterGoneError
from tests.checkout import Checkout, ClusterError, copied_project, ignore_interrupts, wait_until
from tests.soak import growth
from tests.soak.usage import Usage, sample

PROFILE = """
[soak]
users = 40
spawn_rate = 20
run_time = "30m"
pace = 150
"""
"""Less than a machine of two cores can serve, so that the load is the same all the time."""

WORKERS = 2
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.5, 5.0
"""Seconds between two samples."""
SAMPLES = 200
"""Samples of a run, if they are not further apart than LONGEST_INTERVAL."""
LONGEST_SILENCE = 30.0
"""Seconds between two lines of progress."""
LONGEST_END = 120.0
"""Seconds for a run to stop, to be audited and to be written."""

BEGUN = time.monotonic()


class SoakError(Exception):
    """The run cannot be judged; the message says why and what to do."""


def main(run_time: str, locustfile: str | None) -> int:
    """Carry out a run and judge it; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        values.time("RUN_TIME", run_time)
        judged = growth.judge(carry_out(run_time, locustfile))
    except (AssertionError, ClusterError, MasterGoneError, SoakError, UsageError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nsoak: interrupted; the cluster is stopped", file=sys.stderr)
        return 130
    print(f"\n{growth.table(judged)}\n")
    grown = sorted({row.role for row in judged if row.has_grown})
    print(f"GROWN: {', '.join(grown)}" if grown else "FLAT: no role has grown", flush=True)
    return 1 if grown else 0


def interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def carry_out(run_time: str, locustfile: str | None) -> list[dict[str, Usage]]:
    """Return the samples of a run."""
    with cluster(locustfile) as checkout:
        master = Master(checkout.ui_url)
        duration = float(master.start({"profile": "soak", "run_time": run_time})["duration"])
        wait_until(lambda: master.run()["phase"] == "window", "all users to start")
        say(f"all users run, for {duration:.0f} s in all")
        samples = sampled(checkout.folder, master, duration)
        if len(samples) < growth.LEAST_SAMPLES:
            raise SoakError(
                f"{len(samples)} samples are too few for a judgement: use a longer RUN_TIME than {run_time}"
            )
        say("the load is over; the run is audited")
        wait_until(lambda: not master.run()["in_progress"], "the end of the run", LONGEST_END)
        return samples


@contextmanager
def cluster(locustfile: str | None) -> Iterator[Checkout]:
    """A cluster with ports of its own, of which nothing is left at the end."""
    with copied_project() as checkout:
        profiles = checkout.folder / "load_tests" / "profiles.toml"
        profiles.write_text(profiles.read_text() + PROFILE)
        try:
            say(f"starting a cluster of {WORKERS} workers")
            checkout.bring_up("local", WORKERS, *([f"LOCUSTFILE={locustfile}"] if locustfile else []))
            yield checkout
            say("stopping the cluster")
        finally:
            ignore_interrupts()
            checkout.rig("reset", "RUNTIME=local", "FORCE=1")


def sampled(folder: Path, master: Master, duration: float) -> list[dict[str, Usage]]:
    """Return the samples while all users run, and print some of them."""
    interval = min(max(duration / SAMPLES, SHORTEST_INTERVAL), LONGEST_INTERVAL)
    samples, due, shown = list[dict[str, Usage]](), time.monotonic(), 0.0
    while master.run()["phase"] == "window":
        samples.append(sample(folder))
        if missing := [role for role, used in samples[-1].items() if not used.pids]:
            raise SoakError(f"no process of {', '.join(missing)} is running: see its log")
        if time.monotonic() - shown > min(LONGEST_SILENCE, duration / 10):
            memory = ", ".join(f"{role} {used.memory_mb:.0f} MB" for role, used in samples[-1].items())
            say(f"{master.stats()['total_rps']:.0f} requests/s; {memory}")
            shown = time.monotonic()
        due = max(due + interval, time.monotonic())
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0)
    return samples


def say(words: str) -> None:
    print(f"{time.monotonic() - BEGUN:6.1f} s  {words}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Check that no role grows under a long load."
    )
    parser.add_argument("--run-time", default="30m", help="such as 90s, 30m or 8h; default: 30m")
    parser.add_argument("--locustfile", help="a file of this project; default: the shop's users")
    arguments = parser.parse_args()
    sys.exit(main(arguments.run_time, arguments.locustfile))

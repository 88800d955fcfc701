"""Measure the master's memory in a long run: ``.venv/bin/python bench/long_run.py [hours] [names] [rate]``.

A real master, with Locust's own statistics, gets the reports of eight made-up workers, second by second in
simulated time: by default for 30 hours, with 500 names and 450 requests/s. Workers join, the API is silent
now and then, and there are targets of every route. At its end the run is judged, and its report is written.

Prints the memory of the process (RSS) hour by hour, the most that it ever had, and the sizes of the files.
Exits with 1 if the most was above MOST_MEGABYTES, if run.json or the report is larger than
MOST_FILE_MEGABYTES, or if a request is missing. ``--results FOLDER`` keeps the files of the run.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import gevent  # noqa: E402
import psutil  # noqa: E402

from stampede.cluster import patches  # noqa: E402
from stampede.counting.steps import CHUNK  # noqa: E402
from stampede.sampling.sampler import Sampler  # noqa: E402
from tests.replayed import START, Replay  # noqa: E402

MOST_MEGABYTES = 256
MOST_FILE_MEGABYTES = 20
WORKERS = 8
TARGETS = (
    "p95 < 300ms; errors < 1%; every route p95 < 1s for 10s; p99 of GET < 900ms; p95 < 300ms for 60m;"
    "cpu of workers < 90%; rps > 1; stable"
)

real_time = time.time
clock = [float(START)]


def megabytes() -> float:
    """Return the memory of this process."""
    return float(psutil.Process().memory_info().rss / 2**20)


def most_megabytes() -> float:
    """Return the most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def replay(run: Replay, hours: float) -> None:
    """Replay a run of so many hours."""
    began = real_time()
    run.begin()
    print(f"at the start: {megabytes():.0f} MB", flush=True)
    for number in range(int(hours * 3600)):
        run.second(number)
        if number % CHUNK == 0:
            run.merging.merge(START + number)
        if number % 600 == 0:
            run.folder._write_facts()
            gevent.sleep(0)
        if number % 3600 == 3599:
            took = f"{real_time() - began:.0f} s, {time.process_time():.0f} s of CPU"
            print(f"{number // 3600 + 1} h: {megabytes():.0f} MB, {took}", flush=True)
    print(f"before the end: at most {most_megabytes():.0f} MB", flush=True)


def main() -> int:
    """Replay the run and print the figures; return the exit code."""
    arguments = argparse.ArgumentParser(description="Measure the master's memory in a long run")
    arguments.add_argument("hours", nargs="?", type=float, default=30)
    arguments.add_argument("names", nargs="?", type=int, default=500)
    arguments.add_argument("rate", nargs="?", type=int, default=450)
    arguments.add_argument("--results", type=Path, help="the folder to keep the run's files in")
    options = arguments.parse_args()
    time.time = lambda: clock[0]
    Sampler.start = lambda _sampler: None  # type: ignore[method-assign, assignment] # samples are made up
    patches.keep_three_digits()
    with tempfile.TemporaryDirectory(prefix="stampede-bench-") as name:
        run = Replay(
            options.results or Path(name),
            lambda now: clock.__setitem__(0, now),
            TARGETS,
            names=options.names,
            rate=options.rate,
            workers=WORKERS,
        )
        replay(run, options.hours)
        ending = real_time()
        folder, facts, judgement = run.finish()
        most = most_megabytes()
        sizes = {file.name: file.stat().st_size / 2**20 for file in folder.iterdir()}
    print(f"at most {most:.0f} MB; judged and written in {real_time() - ending:.0f} s")
    print(*(f"{file}: {size:.2f} MB" for file, size in sorted(sizes.items())), sep="\n")
    for part in judgement.parts.values():
        print(*(f"{check.verdict} {check.name}: {check.detail}" for check in part.checks), sep="\n")
    in_rows = sum(row.requests for row in facts.seconds)
    print(f"{run.sent:,} requests: {facts.requests:,} counted, {in_rows:,} in the rows of run.json")
    is_small = most <= MOST_MEGABYTES and max(sizes["run.json"], sizes["report.html"]) <= MOST_FILE_MEGABYTES
    return int(not is_small or not run.sent == facts.requests == in_rows)


if __name__ == "__main__":
    sys.exit(main())

"""Measure how a ramp slows down running users: ``.venv/bin/python bench/ramp.py``.

200 users start on one worker, 20 a second. In the middle of the run a second worker joins and takes half of
them. Prints a Markdown table: how late the worker's event loop (gevent's hub) was in the ramp and while users
moved, and the p50 of both compared with the p50 of the window. Exits with 1 if a limit is missed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

LOCUSTFILE = """
from locust import FastHttpUser, constant, task

class Visitor(FastHttpUser):
    wait_time = constant(1)

    @task
    def look(self):
        self.client.get("/products/7", name="/products/{id}")
"""

MOST_LAG_MS = 5.0
"""How late the hub may be in the ramp, without waits for a core: p99 in milliseconds."""

MOST_GROWTH = 1.5
"""The largest quotient of the ramp's p50 and the window's p50."""


def stampede(verb: str, *settings: str) -> subprocess.Popen[bytes]:
    """Start a command of the cluster."""
    command = [sys.executable, "-m", "stampede", verb, "RUNTIME=local", *settings]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run() -> Mapping[str, Any]:
    """Return run.json of a run against the shop's API."""
    with tempfile.TemporaryDirectory() as folder:
        locustfile = Path(folder) / "visitor.py"
        locustfile.write_text(LOCUSTFILE)
        stampede("up", f"LOCUSTFILE={locustfile}", "WORKERS=1").wait()
        try:
            headless = stampede("headless", "USERS=200", "SPAWN_RATE=20", "RUN_TIME=40s")
            joining = threading.Timer(25, lambda: stampede("scale", "WORKERS=2").wait())
            joining.start()
            headless.wait()
            joining.join()
        finally:
            stampede("down").wait()
    content: Mapping[str, Any] = json.loads((ROOT / "results" / "latest" / "run.json").read_text())
    return content


def figures(content: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield the name, the value and the limit of each figure."""
    start, end = content["window"]["start"], content["window"]["end"]
    joined = next(event["at"] for event in content["events"] if event["name"] == "worker_joined")
    moving = range(int(joined), int(joined) + 6)
    ramp = [row["p50_ms"] for row in content["seconds"] if row["second"] < start and row["p50_ms"]]
    moved = [row["p50_ms"] for row in content["seconds"] if row["second"] in moving]
    window = content["window"]["total"]["p50_ms"]
    for label, lag in content["ramp_lag"].items():
        yield f"hub lag p99 in the ramp, worker {label}, ms", lag["own_p99_ms"] or lag["p99_ms"], MOST_LAG_MS
    yield "p50 of the ramp / p50 of the window", round(median(ramp) / window, 2), MOST_GROWTH
    yield "p50 while users move / p50 of the window", round(median(moved) / window, 2), MOST_GROWTH
    first = min(content["samples"]["workers"])
    rows = content["samples"]["workers"][first]
    lags = [row["hub_lag_p99_ms"] for row in rows if row["second"] in moving and start <= row["second"] < end]
    yield "hub lag p99 while users move, worst second, ms", max(lags), 10 * MOST_LAG_MS


def main() -> int:
    """Print the table; return the exit code."""
    missed = False
    print("| figure | measured | limit |\n|---|---|---|")
    for name, value, limit in figures(run()):
        print(f"| {name} | {value:g} | {limit:g} |", flush=True)
        missed = missed or value > limit
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

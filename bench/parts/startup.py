"""Start and stop: how long a user waits for the cluster, for more workers, and for the verdict."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench import BenchError
from bench.figures import Figure, columns, figure
from bench.processes import wait_until
from bench.rounds import interleaved
from stampede.rig.master import Master
from tests.checkout import Checkout, copied_project

TITLE = "Start and stop"
NOTES = (
    "`make up WORKERS=2` until both workers have joined, with images that are built. `make scale N=4` during "
    "a run, until all four workers have users. From the stop of the run until its verdict. All in a copy of "
    "the project: as processes (RUNTIME=local), and in containers where an engine answers.",
)
PACKAGES = ("locust", "circus")

UP, SCALED, JUDGED = (
    "up, until 2 workers have joined",
    "2 to 4 workers, until all have users",
    "verdict after the stop",
)
IMAGES = ("api", "master", "worker")
USERS, SPAWN_RATE, RATE = 40, 40, 100


def measure(folder: Path, rounds: int) -> Iterator[Figure]:  # noqa: ARG001 - the checkout is the folder
    """Measure each runtime, then the images."""
    with copied_project() as checkout:
        runtimes = ["local", *(["compose"] if _engine_answers() else [])]
        if len(runtimes) == 1:
            print("  left out: Compose, as no container engine answers", flush=True)
        try:
            if "compose" in runtimes:
                checkout.used.add("compose")
                _rig(checkout, "up", "RUNTIME=compose", "WORKERS=2")  # it builds the images
                _rig(checkout, "down", "RUNTIME=compose")
            sides = {runtime: partial(_times, checkout, runtime) for runtime in runtimes}
            for runtime, rows in interleaved(sides, rounds).items():
                for name, seconds in columns(rows).items():
                    yield figure(f"{runtime}: {name}", "s", seconds)
            if "compose" in runtimes:
                yield from _sizes(checkout)
        finally:
            for runtime in checkout.used:
                checkout.rig("reset", f"RUNTIME={runtime}", "FORCE=1")
            if "compose" in checkout.used:
                checkout.run("docker", "compose", "down", "--rmi", "local")


def _times(checkout: Checkout, runtime: str) -> dict[str, float]:
    """Return the seconds of each step."""
    master = Master(checkout.ui_url)
    up = _rig(checkout, "up", f"RUNTIME={runtime}", "WORKERS=2")
    wait_until(lambda: master.worker_count() == 2, "two workers")
    load = {"users": USERS, "spawn_rate": SPAWN_RATE, "rate": RATE, "run_time": "2m"}
    master.start({"profile": "smoke", **load})
    wait_until(lambda: master.run()["phase"] == "window", "all users")
    begun = time.monotonic()
    _rig(checkout, "scale", "WORKERS=4")
    wait_until(lambda: _busy_workers(master) == 4, "users on all workers")
    scaled = time.monotonic() - begun
    time.sleep(1.0)
    begun = time.monotonic()
    master.stop()
    wait_until(lambda: not master.run()["in_progress"], "the verdict")
    judged = time.monotonic() - begun
    _rig(checkout, "down", f"RUNTIME={runtime}")
    return {UP: up, SCALED: scaled, JUDGED: judged}


def _busy_workers(master: Master) -> int:
    return sum(worker["user_count"] > 0 for worker in master.stats()["workers"])


def _rig(checkout: Checkout, verb: str, *settings: str) -> float:
    """Run a command of the cluster, and return how long it took in seconds. Raises BenchError."""
    begun = time.monotonic()
    done = checkout.rig(verb, *settings)
    if done.returncode:
        raise BenchError(f"`make {verb}` failed: {done.stdout.strip().splitlines()[-1]}")
    return time.monotonic() - begun


def _engine_answers() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "info"], capture_output=True).returncode
    )


def _sizes(checkout: Checkout) -> Iterator[Figure]:
    project = checkout.environment["COMPOSE_PROJECT_NAME"]
    for name in IMAGES:
        done = checkout.run("docker", "image", "inspect", "--format", "{{.Size}}", f"{project}-{name}")
        if done.returncode:
            raise BenchError(f"the image of {name} is missing: {done.stdout.strip()}")
        yield figure(f"size of the image of {name}", "MB", [int(done.stdout) / 1e6])

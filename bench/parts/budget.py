"""The budget of a request: what each layer of a worker costs, from the kernel to Locust's task loop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import ROOT, BenchError
from bench.figures import Figure, figure
from bench.journey import rules
from bench.processes import Processes
from bench.server import Server

TITLE = "Budget: where the CPU time of a request goes"
NOTES = (
    "Ten users in one process place orders at full speed. The target is the server in C of the part above. "
    "Each layer is measured together with all layers before it. The figure is the difference to the one "
    "before, so a small one can be negative in a single round. The kernel's part contains what TCP over "
    "loopback does for the server. The samples that a worker makes of itself each second are left out.",
)
PACKAGES = ("locust", "gevent", "httptools")


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure all layers in one process."""
    with Processes(folder) as processes:
        server = Server(processes, rules())
        command = [sys.executable, "-m", "bench.layers", server.url, str(rounds)]
        done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise BenchError(f"the layers could not be measured (exit code {done.returncode})")
    measured: dict[str, list[tuple[float, float]]] = json.loads(done.stdout)
    before = [0.0] * rounds
    yield figure(
        "the kernel's part of the first layer", "µs", [part for _, part in next(iter(measured.values()))]
    )
    for name, values in measured.items():
        totals = [total for total, _ in values]
        yield figure(name, "µs", [total - less for total, less in zip(totals, before, strict=True)])
        before = totals
    yield figure("all layers", "µs", before)

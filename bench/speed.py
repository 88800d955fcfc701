"""Measure the cluster's speed on this machine: ``.venv/bin/python bench/speed.py [local] [compose]``.

One run of the profile heavy for each runtime: 60 s, two workers, everything on this machine. Prints a
Markdown table of figures and their limits; exits with 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNTIMES = ("local", "compose")
RUN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table: a measured figure and its limit."""

    name: str
    value: float
    limit: str

    def kept(self) -> bool:
        """Return whether the figure keeps its limit, such as ``>= 500``."""
        sign, bound = self.limit.split()
        return self.value >= float(bound) if sign == ">=" else self.value <= float(bound)


def measure(runtime: str) -> list[Figure]:
    """Return the figures of one run; raise CalledProcessError if the run does not pass."""
    begun = time.monotonic()
    command = ["-m", "stampede", "headless", "PROFILE=heavy", f"RUN_TIME={RUN_SECONDS}s", "WORKERS=2"]
    done = subprocess.run(
        [sys.executable, *command, f"RUNTIME={runtime}"], cwd=ROOT, text=True, check=True, capture_output=True
    )
    seconds = time.monotonic() - begun
    up = re.search(r"Up in ([\d.]+) s", done.stdout)
    window = json.loads((ROOT / "results" / "latest" / "run.json").read_text())["window"]
    methods = window["by_method"]
    return [
        Figure("requests/s in the window", window["rps"], ">= 500"),
        Figure("GET average, ms", methods["GET"]["avg_ms"], "<= 200"),
        Figure("POST average, ms", methods["POST"]["avg_ms"], "<= 500"),
        Figure("up, s", float(up[1]) if up else seconds, "<= 20"),
        Figure("headless longer than its run, s", round(seconds - RUN_SECONDS, 1), "<= 15"),
    ]


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure how fast a cluster starts, and how much it sends")
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help="local or compose; default: both")
    kept = True
    print("| runtime | figure | measured | limit |\n|---|---|---|---|")
    for runtime in parser.parse_args().runtimes or RUNTIMES:
        for figure in measure(runtime):
            print(f"| {runtime} | {figure.name} | {figure.value} | {figure.limit} |", flush=True)
            kept = kept and figure.kept()
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

"""wrk, which sends requests for the least CPU: a thread, and prebuilt bytes."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import BenchError


@dataclass(frozen=True, slots=True)
class Sent:
    """What wrk sent: answered requests, its own CPU time and the time that it took, in seconds."""

    requests: int
    refused: int
    """Answers with a status of 400 or more, and requests without an answer."""
    seconds: float
    cpu: float

    @property
    def us_per_request(self) -> float:
        """Return the CPU time of a request, in microseconds."""
        return self.cpu / self.requests * 1e6


def run(url: str, seconds: float, connections: int, script: Path, *arguments: str) -> Sent:
    """Send what the Lua script makes to `url`, as fast as answers come. Raises BenchError."""
    if not shutil.which("wrk"):
        raise BenchError("wrk is missing: apt-get install wrk")
    load = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", f"--script={script}"]
    command = ["wrk", *load, url, "--", *arguments]
    begun, before = time.monotonic(), _cpu_of_children()
    done = subprocess.run(command, capture_output=True, text=True)
    return sent(done.stdout + done.stderr, time.monotonic() - begun, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def sent(text: str, seconds: float, cpu: float) -> Sent:
    """Return what wrk's output says. Raises BenchError."""
    found = re.search(r"(\d+) requests in", text)
    if not found:
        raise BenchError(f"wrk failed: {text.strip()}")
    refused = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", text)))
    for line in re.findall(r"Socket errors: (.*)", text):
        refused += sum(map(int, re.findall(r"\d+", line)))
    return Sent(int(found[1]), refused, seconds, cpu)

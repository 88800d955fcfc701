"""CPU time and memory of processes, from the operating system. Linux only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import psutil


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process: of all its threads, also of ended ones, but not of its children.

    It is the clock that clock_getcpuclockid(3) gives: /proc/<pid>/stat has ticks of 10 ms, this has
    nanoseconds. Raises OSError if there is no such process.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_seconds_of(pids: Iterable[int]) -> float:
    """Return the CPU time of several processes."""
    return sum(map(cpu_seconds, pids))


def family(pid: int) -> list[int]:
    """Return a process and all that it has started, directly or not."""
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def memory_kib(pid: int) -> float:
    """Return the memory of a process that no other process shares (USS), in KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return float(sum(int(line.split()[1]) for line in lines if line.startswith("Private_")))

"""What the processes of a local cluster use at a moment: memory, open files and threads, by role."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.processes import COMMANDS, roots_of
from tests.local_postgres import LocalPostgres


@dataclass(frozen=True, slots=True)
class Usage:
    """The sums of a role's processes."""

    memory_mb: float
    """Memory that no other process shares: without PostgreSQL's shared buffers, which fill up as intended."""
    files: int
    """Open file descriptors."""
    threads: int
    pids: frozenset[int]


def sample(folder: Path) -> dict[str, Usage]:
    """Return the usage of each role of the cluster in `folder`."""
    processes = {role: with_children(roots_of(folder, role)) for role in COMMANDS}
    return {role: usage(own) for role, own in {**processes, "postgres": postgres(folder)}.items()}


def postgres(folder: Path) -> list[psutil.Process]:
    with suppress(OSError, IndexError, psutil.Error):  # it is just being started
        return LocalPostgres(folder).processes()
    return []


def with_children(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    processes = []
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            processes += [root, *root.children(recursive=True)]
    return processes


def usage(processes: Iterable[psutil.Process]) -> Usage:
    """Return the usage of these processes, without those that have just ended."""
    memory, files, threads, pids = 0, 0, 0, set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            figures = process.memory_full_info().uss, process.num_fds(), process.num_threads()
            memory, files, threads = memory + figures[0], files + figures[1], threads + figures[2]
            pids.add(process.pid)
    return Usage(memory / 2**20, files, threads, frozenset(pids))

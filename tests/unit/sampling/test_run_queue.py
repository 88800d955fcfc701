"""How long this process has waited for a core, as the kernel counts it."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from stampede.sampling.run_queue import RunQueue


def test_it_is_read_anew_each_time(tmp_path: Path) -> None:
    """The second of three figures, in nanoseconds."""
    schedstat = tmp_path / "schedstat"
    schedstat.write_text("900000000 1500000000 70\n")
    queue = RunQueue(schedstat)
    assert queue.waited() == 1.5
    schedstat.write_text("900000000 1750000000 71\n")
    assert queue.waited() == 1.75


def test_where_the_kernel_does_not_tell_nothing_is_known(tmp_path: Path) -> None:
    assert RunQueue(tmp_path / "schedstat").waited() is None


@pytest.mark.skipif(sys.platform != "linux", reason="others have no /proc")
def test_who_shares_a_core_waits_for_it() -> None:
    """Two processes on one core: each has about half of it, and waits for the other half."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        other = os.posix_spawn(sys.executable, [sys.executable, "-c", "while True: pass"], os.environ)
        queue = RunQueue()
        began, before = time.monotonic(), queue.waited() or 0.0
        while time.monotonic() - began < 0.5:
            pass
        waited, elapsed = (queue.waited() or 0.0) - before, time.monotonic() - began
    finally:
        os.sched_setaffinity(0, cores)
        os.kill(other, 9)
        os.waitpid(other, 0)
    assert threading.current_thread() is threading.main_thread()
    assert 0.1 < waited < elapsed

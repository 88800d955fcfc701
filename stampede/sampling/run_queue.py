"""How long this process was ready to run but waited for a core.

The kernel counts this for each thread. gevent's hub, and so all of Locust, runs in the main thread.
"""

from __future__ import annotations

import os
from pathlib import Path

SCHEDSTAT = Path("/proc/self/schedstat")
"""Three figures of the main thread: ns on a core, ns waiting for one, and how often it got one."""


class RunQueue:
    """The waiting time of the main thread."""

    def __init__(self, schedstat: Path = SCHEDSTAT) -> None:
        try:
            self._file: int | None = os.open(schedstat, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # not Linux, or a kernel without this file
            self._file = None

    def waited(self) -> float | None:
        """Return the seconds waited since the process started; None where the kernel does not count them."""
        if self._file is None:
            return None
        return int(os.pread(self._file, 100, 0).split()[1]) / 1e9

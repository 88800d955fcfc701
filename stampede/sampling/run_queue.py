"""How long this process has waited for a core: it could have gone on, and others had them all.

The kernel keeps count of it for each thread; gevent's hub, and with it all of Locust, runs in the main one.
"""

from __future__ import annotations

import os
from pathlib import Path

SCHEDSTAT = Path("/proc/self/schedstat")
"""Of the main thread: nanoseconds on a core, nanoseconds waiting for one, and how often it got one."""


class RunQueue:
    """The main thread's."""

    def __init__(self, schedstat: Path = SCHEDSTAT) -> None:
        try:
            self._file: int | None = os.open(schedstat, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # not Linux, or a kernel that does not count
            self._file = None

    def waited(self) -> float | None:
        """Seconds since its start; None where the kernel does not tell."""
        if self._file is None:
            return None
        return int(os.pread(self._file, 100, 0).split()[1]) / 1e9

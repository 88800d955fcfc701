"""The processes that the kernel kills for lack of memory, in all containers of this machine.

When a worker was killed, its container starts again with new counts. The kernel's count of all such kills can
be read in each container.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

KILLS = re.compile(r"^oom_kill (\d{1,18})$", re.MULTILINE)


class MemoryKills:
    """The kills since the last check."""

    def __init__(self, file: Path = Path("/proc/vmstat")) -> None:
        """Begin to count. A kernel without this count has no kills."""
        self._file = file
        self._last = self._count()

    def new(self) -> int:
        """Return how many processes were killed since the last call."""
        before, self._last = self._last, self._count()
        return max(0, self._last - before)

    def _count(self) -> int:
        with contextlib.suppress(OSError):
            if found := KILLS.search(self._file.read_text()):
                return int(found[1])
        return 0

"""What the kernel allows this process's control group, and what it has done to keep it to that.

Both versions are read, 1 and 2, where a container finds its own group: at /sys/fs/cgroup. Outside of a
container that is the machine's, which has no limits. What is not there, or not on Linux, is None.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

UNLIMITED = 1 << 60
"""Bytes: version 1 says how much memory it could count to where there is no limit."""


class Cgroup:
    """The files of one control group."""

    def __init__(self, folder: Path = Path("/sys/fs/cgroup")) -> None:
        self._folder = folder

    def cpu_limit(self) -> float | None:
        """Cores; None where there is no limit."""
        words = self._read("cpu.max").split() or [
            self._read("cpu/cpu.cfs_quota_us"),
            self._read("cpu/cpu.cfs_period_us"),
        ]
        try:
            quota, period = map(int, words)
        except ValueError:  # "max", or nothing at all
            return None
        return quota / period if quota > 0 else None

    def throttled(self) -> float | None:
        """Seconds for which it has had to wait since its start, as it had used up what it is allowed."""
        of_2, of_1 = self._figures("cpu.stat"), self._figures("cpu/cpu.stat")
        if "throttled_usec" in of_2:
            return of_2["throttled_usec"] / 1e6
        return of_1["throttled_time"] / 1e9 if "throttled_time" in of_1 else None

    def memory_limit(self) -> int | None:
        """Bytes; None where there is no limit."""
        limit = self._number("memory.max") or self._number("memory/memory.limit_in_bytes")
        return limit if limit and limit < UNLIMITED else None

    def memory(self) -> int | None:
        """Bytes that count towards the limit, without the files that the kernel would forget first."""
        if used := self._number("memory.current"):
            return used - self._figures("memory.stat").get("inactive_file", 0)
        if used := self._number("memory/memory.usage_in_bytes"):
            return used - self._figures("memory/memory.stat").get("total_inactive_file", 0)
        return None

    def _number(self, name: str) -> int | None:
        text = self._read(name)
        return int(text) if text.isdigit() else None

    def _figures(self, name: str) -> dict[str, int]:
        """Of a file with a name and a number on each line."""
        return {key: int(value) for key, _, value in map(_parted, self._read(name).splitlines())}

    def _read(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / name).read_text().strip()
        return ""


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def machine() -> str | None:
    """The same for all containers and processes on one kernel, another after each of its starts."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text().strip()
    return None

"""The CPU and memory limits of this process's control group, and what counts towards them.

Versions 1 and 2 are supported. The files are read from /sys/fs/cgroup, where a container finds its own group.
Outside of a container, that is the group of the whole machine, which has no limits. A figure whose file is
missing, as all are outside of Linux, is None.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

UNLIMITED = 1 << 60
"""Bytes. Without a limit, version 1 reports the largest number it can count to, which is above this."""


class Cgroup:
    """The files of one control group."""

    def __init__(self, folder: Path = Path("/sys/fs/cgroup")) -> None:
        self._folder = folder

    def cpu_limit(self) -> float | None:
        """Return the limit in cores; None where there is none."""
        words = self._read("cpu.max").split() or [
            self._read("cpu/cpu.cfs_quota_us"),
            self._read("cpu/cpu.cfs_period_us"),
        ]
        try:
            quota, period = map(int, words)
        except ValueError:  # "max", or no file
            return None
        return quota / period if quota > 0 else None

    def throttled_seconds(self) -> float | None:
        """Return the seconds, since the group's start, in which it had to wait because of its CPU limit."""
        version_2, version_1 = self._numbers("cpu.stat"), self._numbers("cpu/cpu.stat")
        if "throttled_usec" in version_2:
            return version_2["throttled_usec"] / 1e6
        return version_1["throttled_time"] / 1e9 if "throttled_time" in version_1 else None

    def memory_limit(self) -> int | None:
        """Return the limit in bytes; None where there is none."""
        limit = self._number("memory.max") or self._number("memory/memory.limit_in_bytes")
        return limit if limit and limit < UNLIMITED else None

    def memory_used(self) -> int | None:
        """Return the bytes that count towards the limit, without the cache that the kernel frees first."""
        if used := self._number("memory.current"):
            return used - self._numbers("memory.stat").get("inactive_file", 0)
        if used := self._number("memory/memory.usage_in_bytes"):
            return used - self._numbers("memory/memory.stat").get("total_inactive_file", 0)
        return None

    def _number(self, name: str) -> int | None:
        text = self._read(name)
        return int(text) if text.isdigit() else None

    def _numbers(self, name: str) -> dict[str, int]:
        """Return the numbers by name of a file that has one of each on each line."""
        return {key: int(value) for key, _, value in map(_split_at_space, self._read(name).splitlines())}

    def _read(self, name: str) -> str:
        with contextlib.suppress(OSError):
            return (self._folder / name).read_text().strip()
        return ""


def _split_at_space(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def boot_id() -> str | None:
    """Return an id that all processes and containers on one kernel share; each boot has a new one."""
    with contextlib.suppress(OSError):
        return BOOT_ID.read_text().strip()
    return None

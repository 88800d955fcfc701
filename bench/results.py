"""bench/results.json: the figures of each part, with where, when and how they were measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import msgspec

from bench import HERE
from bench.figures import Figure

FILE = HERE / "results.json"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a part."""

    title: str
    date: str
    """The day, in UTC."""
    command: str
    """The command that measures the part again."""
    rounds: int
    seconds: float
    """How long the part took."""
    machine: str
    versions: dict[str, str]
    """By package or program."""
    notes: list[str]
    figures: list[Figure]


def read(path: Path = FILE) -> dict[str, Part]:
    """Return the parts by name; empty if there is no file. Raises msgspec.ValidationError."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Part]) if path.exists() else {}


def write(parts: dict[str, Part], path: Path = FILE) -> None:
    """Write the parts, in the order of the given ones."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(parts), indent=1) + b"\n")


def today() -> str:
    """Return the date, in UTC."""
    return f"{datetime.now(UTC):%Y-%m-%d}"


def machine() -> str:
    """Return what the machine is: its processor, its cores and its kernel."""
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores ({_processor()}), {platform.system()} {platform.release().partition('-')[0]}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of these packages. Raises PackageNotFoundError."""
    return {"Python": platform.python_version()} | {name: metadata.version(name) for name in packages}

"""What a cluster runs on: containers, or processes. Both have the same methods."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from stampede.rig import ROOT, UsageError
from stampede.rig.compose import Compose
from stampede.rig.settings import Settings

VENV_PYTHON = ROOT / ".venv" / "bin" / "python"


class Runtime(Protocol):
    """One cluster, up or not. What goes wrong is a UsageError with one line to read."""

    key: str
    """What RUNTIME calls it."""
    name: str
    """What a user reads."""

    def is_up(self) -> bool:
        """Whether master or workers run."""

    def up(self) -> None:
        """Start every role and wait until it is healthy."""

    def worker_count(self) -> int:
        """How many workers it keeps, joined or not."""

    def scale(self, workers: int) -> None:
        """Change the number of workers, also in the middle of a run."""

    def restart_load(self) -> None:
        """Start master and workers again, with the load tests as they are now."""

    def seed(self) -> None:
        """Bring the database back to the catalogue a run starts from."""

    def target(self, host: str) -> str:
        """`host`, given as the caller reaches it, as the cluster reaches it."""

    def allow(self, host: str) -> None:
        """Let the master take `host` for a target, until it starts again."""

    def logs(self) -> None:
        """Show what the roles print, and go on until interrupted."""

    def ps(self) -> None:
        """Show what runs."""

    def down(self) -> None:
        """End everything; the data stays."""

    def reset(self) -> None:
        """End everything and delete the data."""


def choose(asked: Settings) -> Runtime:
    """The runtime that was asked for or is up, else Compose where an engine answers."""
    if asked.runtime == "local":
        return _local(asked)
    if asked.runtime == "compose":
        return _compose(asked)
    if Compose.available():
        return Compose(asked)
    print("No container engine answers: the cluster runs as processes on this machine.", flush=True)
    return _local(asked)


def _compose(asked: Settings) -> Runtime:
    if not Compose.available():
        raise UsageError("no container engine answers: start Docker, or use RUNTIME=local")
    return Compose(asked)


def _local(asked: Settings) -> Runtime:
    if importlib.util.find_spec("circus") is None:
        _go_on_in_venv()
    from stampede.rig.local import Local  # not before: only this runtime needs what is installed

    return Local(asked)


def _go_on_in_venv() -> None:
    """Make .venv where it is missing, and start this command again in it."""
    if Path(sys.prefix) == VENV_PYTHON.parent.parent:
        raise UsageError("circus is missing from .venv: run `make install`")
    if subprocess.run(["make", "--silent", "install"], cwd=ROOT).returncode:
        raise UsageError("the local runtime needs `make install`, which failed: see above")
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "-m", "stampede", *sys.argv[1:]])  # noqa: S606  (no shell is the point)

"""The runtimes: containers or processes, with the same methods, and the choice between them."""

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
    """One cluster, up or not. Its methods raise UsageError with one line if something goes wrong."""

    key: str
    """The value of RUNTIME."""
    name: str
    """The name that is shown to users, and for processes the reason why they are used."""

    def is_up(self) -> bool:
        """Return whether the cluster is up: started, and neither taken down nor crashed."""

    def up(self) -> None:
        """Start every role and wait until it is healthy."""

    def worker_count(self) -> int:
        """Return the number of workers that the runtime keeps running, joined or not."""

    def worker_error(self) -> str | None:
        """Return why a worker keeps failing at its start; None while none does."""

    def scale(self, workers: int) -> None:
        """Change the number of workers, also during a run."""

    def restart_load(self) -> None:
        """Restart master and workers, so that they load the load tests again."""

    def change_load(self) -> None:
        """Start master and workers again with the locustfile of the settings. API and database stay up."""

    def seed(self) -> None:
        """Reset the database to the catalogue that a run starts from."""

    def reachable_host(self, host: str) -> str:
        """Return `host`, a URL as the caller reaches it, as the cluster reaches it."""

    def allow(self, host: str) -> None:
        """Add `host` to the allowed targets: at least until the master restarts."""

    def owner_key(self) -> str:
        """Return the key with which the owner of the cluster uses a UI that asks for a login."""

    def logs(self) -> None:
        """Show the logs of the roles, and follow them until interrupted; if it is down, its last logs.

        Raise UsageError if there are none.
        """

    def write_logs(self, folder: Path) -> None:
        """Write the logs of the roles as files into a folder. Raise OSError."""

    def ps(self) -> None:
        """List the running containers or processes."""

    def down(self) -> None:
        """Stop everything; the data stays."""

    def reset(self) -> None:
        """Stop everything and delete the data."""


def choose(settings: Settings) -> Runtime:
    """Return the runtime of the settings; if they name none, Compose where a container engine answers.

    The settings name the runtime of a cluster that is up.
    """
    if settings.runtime == "local":
        return _local(settings)
    if settings.runtime == "compose":
        return compose(settings)
    return _compose(settings) if Compose.available() else _local(settings)


def compose(settings: Settings) -> Compose:
    """Return the runtime of containers.

    Raise UsageError if no container engine answers, or if the containers belong to another clone.
    """
    if not Compose.available():
        raise UsageError("no container engine answers: start Docker, or use RUNTIME=local")
    return _compose(settings)


def _compose(settings: Settings) -> Compose:
    runtime = Compose(settings)
    runtime.refuse_other_folder()
    return runtime


def _local(settings: Settings) -> Runtime:
    if importlib.util.find_spec("circus") is None:
        restart_in_venv()
    from stampede.rig.local import Local  # imported here, as only this runtime needs installed packages

    return Local(settings)


def restart_in_venv() -> None:
    """Make .venv if it is missing, and start this command again with its Python."""
    if Path(sys.prefix) == VENV_PYTHON.parent.parent:
        raise UsageError("circus is missing from .venv: run `make install`")
    if subprocess.run(["make", "--silent", "install"], cwd=ROOT).returncode:
        raise UsageError("the local runtime needs `make install`, which failed: see above")
    # The password moves to the environment: `ps` shows arguments to all users.
    passwords = [argument for argument in sys.argv[1:] if argument.startswith("UI_PASSWORD=")]
    arguments = [argument for argument in sys.argv[1:] if argument not in passwords]
    environment = {**os.environ, **dict(argument.split("=", 1) for argument in passwords)}
    command = [str(VENV_PYTHON), "-m", "stampede", *arguments]
    os.execve(VENV_PYTHON, command, environment)  # noqa: S606  (no shell is needed)

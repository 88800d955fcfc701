"""The cluster as processes, broken by signals. Circus starts again what dies, within a second or two."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import psutil

from stampede.rig.local import MARK
from tests.chaos.cluster import ActError, Cluster
from tests.chaos.plan import Fault
from tests.checkout import PATIENCE, Checkout, wait_until
from tests.local_postgres import LocalPostgres

COMMANDS = {"api": "run_api.py", "worker": "worker/locust.conf", "master": "master/locust.conf"}
"""What each role's command line has, and no other's."""


class Processes(Cluster):
    """What is killed is started again by circus at once, whatever the fault's duration."""

    name = "local"

    def __init__(self, checkout: Checkout) -> None:
        super().__init__(checkout)
        self._postgres = LocalPostgres(checkout.folder)

    def cannot(self, fault: Fault) -> str | None:
        return "a process cannot be disconnected from its network" if fault.what == "cut" else None

    def kill(self, target: str) -> str:
        doomed = self._processes(target)
        if not doomed:
            raise ActError(f"there is no process of {target} to kill")
        _each(doomed, "kill")
        return f"pid {doomed[0].pid}; circus starts it again at once"

    def start(self, target: str) -> None:
        wait_until(lambda: bool(self._processes(target)), f"circus to start {target} again")

    def pause(self, target: str) -> None:
        _each(self._processes(target), "suspend")

    def resume(self, target: str) -> None:
        _each(self._processes(target), "resume")

    def cut(self) -> str:
        raise AssertionError("what a runtime cannot do is not asked of it")

    def join(self) -> None:
        raise AssertionError("nothing was cut")

    def restart_master(self) -> None:
        (master, *_) = self._processes("master")
        master.terminate()
        psutil.wait_procs([master], timeout=PATIENCE)
        self.start("master")

    def psql(self, statements: str) -> str:
        return self._postgres.psql("-At", "-c", statements)

    def mend(self) -> None:
        for target in ("postgres", *COMMANDS):
            with suppress(OSError, IndexError, psutil.Error):  # it is just being started
                self.resume(target)

    def on_master(self, *command: str) -> tuple[list[str], dict[str, str]]:
        database = f"postgresql://auditor@/stampede?host={self._postgres.sockets}"
        return [str(self.checkout.folder / ".venv/bin/python"), *command], {
            **self.checkout.environment,
            "AUDIT_DATABASE_URL": database,
        }

    def keep_logs(self, into: Path) -> None:
        for log in (self.checkout.folder / ".local" / "log").iterdir():
            shutil.copy(log, into)

    def results(self, run_id: str) -> str:
        return str(self.checkout.folder / "results" / run_id)

    def _processes(self, target: str) -> list[psutil.Process]:
        """All that a role consists of at this moment; of the workers, the oldest."""
        if target == "postgres":
            return self._postgres.processes()
        roots = sorted(roots_of(self.checkout.folder, target), key=lambda process: process.create_time())
        return [each for root in roots[:1] for each in (root, *root.children(recursive=True))]


def roots_of(folder: Path, target: str) -> list[psutil.Process]:
    """The processes that circus started for a role of the cluster in `folder`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            started_for_it = any(COMMANDS[target] in word for word in process.cmdline())
            is_ours = started_for_it and process.environ().get(MARK) == str(folder / ".local")
            if is_ours and "circus" in _parent(process):
                found.append(process)
    return found


def _parent(process: psutil.Process) -> str:
    parent = process.parent()
    return " ".join(parent.cmdline()) if parent else ""


def _each(processes: list[psutil.Process], act: str) -> None:
    """Kill, suspend or resume them all; one that has just ended needs none of it."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            getattr(process, act)()

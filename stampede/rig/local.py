"""The cluster as processes, for machines without a container engine.

Circus manages the processes as Compose manages the containers: it starts them, restarts them after a crash,
and changes the number of workers while they run.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from circus.client import CircusClient
from circus.exc import CallError

from postgres import place
from stampede.rig import ROOT, UsageError
from stampede.rig.last_words import last_words
from stampede.rig.private import open_private
from stampede.rig.roles import ALLOWED_TARGETS, FOLDER, LOGS, MAX_RETRIES, OWNER_KEY, Roles
from stampede.rig.settings import Settings
from stampede.rig.variables import environment

MARK = "STAMPEDE_LOCAL"
"""The environment variable that marks every process of a cluster. Its value is the cluster's FOLDER."""

START_TIMEOUT = 60.0
"""Seconds for a role to become healthy."""

ANSWER_TIMEOUT = 60.0
"""Seconds for circus to answer: it answers when a command is done. A busy circus gets as many to take it."""

BUSY = re.compile(r"already running (?!arbiter_stop)")
"""Matches the reason why circus refuses a command while it runs another one, other than its own stop."""

STOP_TIMEOUT = 40.0
"""Seconds for every role to end by itself: more than graceful_timeout of circus."""


def _sockets() -> Path:
    """Return the folder for sockets, one for each checkout and user.

    It is outside the checkout, because the path of a socket must be short (about 100 bytes).
    """
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"stampede-{os.getuid()}-{checkout}"


class Local:
    """The local runtime. `Compose` in compose.py has the same methods."""

    key = "local"

    def __init__(self, settings: Settings) -> None:
        reason = "RUNTIME=local" if settings.runtime else "no container engine"
        self.name = f"processes on this machine ({reason})"
        self._settings = settings
        self._sockets = _sockets()
        self._roles = Roles(settings, self._sockets)

    def is_up(self) -> bool:
        """Return whether circus runs, also while it starts or is too busy to answer."""
        return any(_is_circus(process) for process in _cluster_processes())

    def up(self) -> None:
        """Start every role and wait until it is healthy. Raise UsageError."""
        if not self.is_up():
            end_leftovers()
            self._start_circus()
        else:
            self.scale(self._settings.worker_count)
        if not self._settings.host:
            self._wait_for("postgres", self._database_is_ready)
            self._checked("start", name="api")
            self._wait_for("api", lambda: _answers(f"{self._settings.api_url}/health"))
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def _database_is_ready(self) -> bool:
        return self._client("pg_isready", "--quiet").returncode == 0

    def _start_circus(self) -> None:
        # Other users may pass through it: started by root, PostgreSQL runs as another user.
        self._sockets.mkdir(mode=0o711, exist_ok=True)
        if self._sockets.stat().st_uid != os.getuid():
            raise UsageError(f"{self._sockets} belongs to another user: remove it")
        LOGS.mkdir(parents=True, exist_ok=True)
        for old in LOGS.iterdir():
            old.unlink()
        ALLOWED_TARGETS.unlink(missing_ok=True)
        configuration = FOLDER / "circus.ini"
        with open_private(configuration) as file:
            self._roles.configuration().write(file)
        for role in self._settings.roles:  # circus appends to them
            open_private(LOGS / f"{role}.log").close()
        with open_private(LOGS / "circus.log") as log:
            subprocess.Popen(
                [sys.executable, "-m", "circus.circusd", str(configuration)],
                cwd=ROOT,
                # These are not written to the configuration file, as passwords are among them.
                env={
                    **environment(),
                    **self._settings.service_settings,
                    **self._roles.load_variables(),
                    MARK: str(FOLDER),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for(self, role: str, is_healthy: Callable[[], bool]) -> None:
        """Wait until a role is healthy.

        Raise UsageError after START_TIMEOUT, or sooner if a process of any role keeps dying.
        """
        deadline = time.monotonic() + START_TIMEOUT
        # Each restart gives a role another process id. Workers are left out, as there are several of them.
        pids: dict[str, set[int]] = {name: set() for name in self._settings.roles if name != "worker"}
        while not is_healthy():
            if time.monotonic() > deadline:
                raise UsageError(f"{role} did not get healthy: {_last_words(role)}")
            for name, pids_so_far in pids.items():
                pids_so_far.update((self._ask("list", name=name) or {}).get("pids", []))
                if len(pids_so_far) > MAX_RETRIES:
                    raise UsageError(f"{name} did not get healthy: {_last_words(name)}")
            time.sleep(0.2)
        print(f"  {role} is healthy", flush=True)

    def worker_count(self) -> int:
        """Return the number of workers that circus keeps running, joined or not."""
        return int(self._checked("get", name="worker", keys=["numprocesses"])["options"]["numprocesses"])

    def worker_error(self) -> None:
        """Return None: workers run as the same user as the master, whose start fails first."""

    def scale(self, workers: int) -> None:
        """Change the number of workers, also during a run."""
        self._checked("set", name="worker", options={"numprocesses": workers}, waiting=True)

    def restart_load(self) -> None:
        """Restart master and workers, so that they load the load tests again."""
        for role in ("worker", "master"):
            self._checked("restart", name=role, waiting=True)
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def change_load(self) -> None:
        """Start master and workers again with the locustfile of the settings."""
        # Circus replaces the whole environment of a role.
        variables = {**self._circus_environment(), **self._roles.load_variables()}
        for role in ("worker", "master"):
            self._checked("set", name=role, options={"env": variables}, waiting=True)
            self._checked("start", name=role, waiting=True)  # if it had ended, after an error at its start
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def _circus_environment(self) -> dict[str, str]:
        """Return the environment that circus was started with. Raise UsageError if circus does not run."""
        circus = next(filter(_is_circus, _cluster_processes()), None)
        if circus is None:
            raise UsageError("the cluster is not up: `make up` starts it")
        environment: dict[str, str] = circus.environ()
        return environment

    def seed(self) -> None:
        """Reset the database to the catalogue that a run starts from."""
        done = self._client("psql", "-q", "-f", "postgres/seed.sql")
        if done.returncode:
            raise UsageError(f"the catalogue cannot be seeded: {last_words(done.stderr)}")

    def _client(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a client program of PostgreSQL as the superuser."""
        embedded = [sys.executable, "-m", "postgres.embedded", "--socket-dir", str(self._roles.database)]
        return subprocess.run([*embedded, *command], cwd=ROOT, capture_output=True, text=True)

    def reachable_host(self, host: str) -> str:
        """Return `host` unchanged: the processes reach it as the caller does."""
        return host

    def allow(self, host: str) -> None:
        """Add `host` to the allowed targets, until the cluster is taken down."""
        with open_private(ALLOWED_TARGETS, "a") as file:
            file.write(f"{host}\n")

    def owner_key(self) -> str:
        """Return the key with which the owner of the cluster uses a UI that asks for a login."""
        try:
            return OWNER_KEY.read_text()
        except OSError as error:
            raise UsageError(f"the owner's key of the cluster cannot be read: {error}") from error

    def logs(self) -> None:
        """Show the logs of the roles, and follow them until interrupted. Raise UsageError without logs."""
        logs = sorted(str(log) for log in LOGS.glob("*.log"))
        if not logs:  # tail would wait for standard input
            raise UsageError("there are no logs: `make up` starts the cluster")
        subprocess.run(["tail", "-n", "100", "-F", *logs])

    def write_logs(self, folder: Path) -> None:
        """Copy the logs of the roles into a folder: the next start deletes them here. Raise OSError."""
        for log in LOGS.glob("*.log"):
            shutil.copy2(log, folder)  # with its mode

    def ps(self) -> None:
        """List the running processes."""
        stats = self._ask("stats") or {"infos": {}}
        for role, processes in stats["infos"].items():
            for pid, process in processes.items() if isinstance(processes, dict) else ():
                print(f"{role:10} pid {pid:>8}  cpu {process['cpu']} %  memory {process['mem_info1']}")

    def down(self) -> None:
        """Stop everything; the data stays."""
        if self._ask("quit"):
            psutil.wait_procs(_cluster_processes(), timeout=STOP_TIMEOUT)
        end_leftovers()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def reset(self) -> None:
        """Stop everything and delete the data."""
        self.down()
        try:
            place.remove(FOLDER / "postgres")
        except place.EmbeddedPostgresError as error:  # of `python run_api.py`, for example
            raise UsageError(str(error)) from error

    def _checked(self, command: str, **properties: Any) -> dict[str, Any]:
        """Send a command to circus and return its answer. Raise UsageError if circus does not run."""
        answer = self._ask(command, **properties)
        if answer is None or answer.get("status") != "ok":
            raise UsageError("the cluster is not up: `make up` starts it")
        return answer

    def _ask(self, command: str, **properties: Any) -> dict[str, Any] | None:
        """Send a command to circus, again while it is busy with another. Return None if it does not run."""
        if not (self._sockets / "circus").exists() or not self.is_up():
            return None
        client = CircusClient(endpoint=self._roles.endpoint, timeout=ANSWER_TIMEOUT)
        deadline = time.monotonic() + ANSWER_TIMEOUT
        try:
            answer: dict[str, Any] = client.send_message(command, **properties)
            while BUSY.search(answer.get("reason", "")) and time.monotonic() < deadline:
                time.sleep(0.2)
                answer = client.send_message(command, **properties)
            return answer
        except CallError:
            return None
        finally:
            client.stop()


def end_leftovers() -> None:
    """End the processes that a crash has left of this checkout's cluster."""
    processes = _cluster_processes()
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # its parent may have ended it already
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=10)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)


def _cluster_processes() -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_of_cluster(process)]


def _is_of_cluster(process: psutil.Process) -> bool:
    try:
        is_rig = process.pid == os.getpid()
        return not is_rig and bool(process.environ().get(MARK) == str(FOLDER))
    except (psutil.Error, OSError):
        return False


def _is_circus(process: psutil.Process) -> bool:
    try:
        return "circus.circusd" in process.cmdline()
    except psutil.Error:  # it has ended in the meantime
        return False


def _answers(url: str) -> bool:
    """Return whether a server answers at a URL, whatever it answers short of a server error."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(urllib.request.Request(url, method="HEAD"), timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, http.client.HTTPException):  # HTTPException: the server died while it answered
        return False
    return True


def _last_words(role: str) -> str:
    log = LOGS / f"{role}.log"
    return last_words(log.read_text() if log.exists() else "")

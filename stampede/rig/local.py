"""The cluster as processes, where no container engine answers: the same roles, kept by circus.

Circus keeps the processes, as Compose keeps the containers: it starts them, starts them again
when they crash, and changes the number of workers while they run.
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
from stampede.rig.roles import ALLOWED, FOLDER, LOGS, TRIES, Roles
from stampede.rig.settings import Settings, environment

MARK = "STAMPEDE_LOCAL"
"""Every process of the runtime carries it in its environment, with the folder it belongs to."""

START_TIMEOUT = 60.0
ANSWER_TIMEOUT = 60.0
"""Seconds for circus to answer: it does so when what it was told is done. As many for it to begin."""

BUSY = re.compile(r"already running (?!arbiter_stop)")
"""Why circus refuses while it does something else, other than to end: it does one thing at a time."""

STOP_TIMEOUT = 40.0
"""Seconds for every role to end by itself: over circus's graceful_timeout."""


def _sockets() -> Path:
    """A folder for sockets, whose paths must be short: one per checkout, belonging to the caller."""
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"stampede-{os.getuid()}-{checkout}"


class Local:
    """The local runtime; stampede/rig/compose.py has the same methods."""

    key = "local"
    name = "processes on this machine (no container engine)"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sockets = _sockets()
        self._roles = Roles(settings, self._sockets)

    def is_up(self) -> bool:
        """Whether circus is there: starting, or too busy to answer, it is up all the same."""
        return any(_is_circus(process) for process in _ours())

    def up(self) -> None:
        """Start every role and wait until it answers. Raises UsageError."""
        if not self.is_up():
            end_leftovers()
            self._start_circus()
        else:
            self.scale(self._settings.worker_count)
        if not self._settings.host:
            self._wait_for("postgres", self._database_is_ready)
            self._must("start", name="api")
            self._wait_for("api", lambda: _answers(f"{self._settings.api_url}/health"))
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def _database_is_ready(self) -> bool:
        return self._client("pg_isready", "--quiet").returncode == 0

    def _start_circus(self) -> None:
        self._sockets.mkdir(mode=0o711, exist_ok=True)  # PostgreSQL makes its own in it, for itself alone
        if self._sockets.stat().st_uid != os.getuid():
            raise UsageError(f"{self._sockets} belongs to somebody else: remove it")
        LOGS.mkdir(parents=True, exist_ok=True)
        for old in LOGS.iterdir():
            old.unlink()
        ALLOWED.unlink(missing_ok=True)
        configuration = FOLDER / "circus.ini"
        with configuration.open("w") as file:
            self._roles.configuration().write(file)
        with (LOGS / "circus.log").open("w") as log:
            subprocess.Popen(
                [sys.executable, "-m", "circus.circusd", str(configuration)],
                cwd=ROOT,
                # Not in the file: a password is among them.
                env={
                    **environment(),
                    **self._settings.of_the_services,
                    **self._roles.guarding(),
                    MARK: str(FOLDER),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for(self, role: str, is_healthy: Callable[[], bool]) -> None:
        """Wait until a role is healthy; not for long if some role's process keeps dying."""
        deadline = time.monotonic() + START_TIMEOUT
        seen: dict[str, set[int]] = {each: set() for each in self._settings.roles if each != "worker"}
        while not is_healthy():
            if time.monotonic() > deadline:
                raise UsageError(f"{role} did not get healthy: {_last_words(role)}")
            for each, pids in seen.items():
                pids.update((self._ask("list", name=each) or {}).get("pids", []))
                if len(pids) > TRIES:
                    raise UsageError(f"{each} did not get healthy: {_last_words(each)}")
            time.sleep(0.2)
        print(f"  {role} is healthy", flush=True)

    def worker_count(self) -> int:
        """How many workers it keeps, joined or not."""
        return int(self._must("get", name="worker", keys=["numprocesses"])["options"]["numprocesses"])

    def scale(self, workers: int) -> None:
        """Change the number of workers, also in the middle of a run."""
        self._must("set", name="worker", options={"numprocesses": workers}, waiting=True)

    def restart_load(self) -> None:
        """Start master and workers again, with the load tests as they are now."""
        for role in ("worker", "master"):
            self._must("restart", name=role, waiting=True)
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def seed(self) -> None:
        """Bring the database back to the catalogue a run starts from."""
        done = self._client("psql", "-q", "-f", "postgres/seed.sql")
        if done.returncode:
            raise UsageError(f"the catalogue cannot be seeded: {last_words(done.stderr)}")

    def _client(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a client program of PostgreSQL as the superuser."""
        embedded = [sys.executable, "-m", "postgres.embedded", "--socket-dir", str(self._roles.database)]
        return subprocess.run([*embedded, *command], cwd=ROOT, capture_output=True, text=True)

    def target(self, host: str) -> str:
        """`host` as the processes reach it."""
        return host

    def allow(self, host: str) -> None:
        """Let the master take `host` for a target, until the cluster is down."""
        with ALLOWED.open("a") as file:
            file.write(f"{host}\n")

    def logs(self) -> None:
        """Show what the roles print, and go on until interrupted."""
        subprocess.run(["tail", "-n", "100", "-F", *sorted(str(log) for log in LOGS.glob("*.log"))])

    def ps(self) -> None:
        """Show what runs."""
        listed = self._ask("stats") or {"infos": {}}
        for role, processes in listed["infos"].items():
            for pid, process in processes.items() if isinstance(processes, dict) else ():
                print(f"{role:10} pid {pid:>8}  cpu {process['cpu']} %  memory {process['mem_info1']}")

    def down(self) -> None:
        """End everything; the data stays."""
        if self._ask("quit"):
            psutil.wait_procs(_ours(), timeout=STOP_TIMEOUT)
        end_leftovers()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def reset(self) -> None:
        """End everything and delete the data."""
        self.down()
        place.remove(FOLDER / "postgres")

    def _must(self, command: str, **properties: Any) -> dict[str, Any]:
        answer = self._ask(command, **properties)
        if answer is None or answer.get("status") != "ok":
            raise UsageError("the cluster is not up: `make up` starts it")
        return answer

    def _ask(self, command: str, **properties: Any) -> dict[str, Any] | None:
        """Circus's answer, once it is not busy with something else; None where it does not run."""
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
    """End what a crash has left of this checkout's cluster."""
    ours = _ours()
    for process in ours:
        with suppress(psutil.NoSuchProcess):  # its parent was faster
            process.terminate()
    _, alive = psutil.wait_procs(ours, timeout=10)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=10)


def _ours() -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_ours(process)]


def _is_ours(process: psutil.Process) -> bool:
    try:
        mine = process.pid == os.getpid()
        return not mine and bool(process.environ().get(MARK) == str(FOLDER))
    except (psutil.Error, OSError):
        return False


def _is_circus(process: psutil.Process) -> bool:
    try:
        return "circus.circusd" in process.cmdline()
    except psutil.Error:  # it has ended since it was listed
        return False


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(urllib.request.Request(url, method="HEAD"), timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, http.client.HTTPException):  # the second: it died while it answered
        return False
    return True


def _last_words(role: str) -> str:
    log = LOGS / f"{role}.log"
    return last_words(log.read_text() if log.exists() else "")

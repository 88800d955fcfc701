"""The cluster as processes, where no container engine answers: the same roles, kept by circus.

Circus keeps the processes, as Compose keeps the containers: it starts them, starts them again
when they crash, and changes the number of workers while they run.
"""

from __future__ import annotations

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from circus.client import CircusClient
from circus.exc import CallError

from postgres import place
from rig.last_words import last_words
from rig.settings import ROOT, Settings, UsageError

FOLDER = ROOT / ".local"
LOGS = FOLDER / "log"
MARK = "STAMPEDE_LOCAL"
"""Every process of the runtime carries it in its environment, with the folder it belongs to."""

START_TIMEOUT = 60.0
STOP_TIMEOUT = 40.0
"""Seconds for every role to end by itself: over circus's graceful_timeout."""

TRIES = 3
"""Times a role may die at its start, as in docker-compose.yml."""


def _sockets() -> Path:
    """A folder for sockets, whose paths must be short: one per checkout, belonging to the caller."""
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"stampede-{os.getuid()}-{checkout}"


class Local:
    """The local runtime; rig/compose.py has the same methods."""

    name = "processes on this machine (no container engine)"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sockets = _sockets()
        self._database = self._sockets / "postgres"  # of its own: as root, PostgreSQL is somebody else
        self._endpoint = f"ipc://{self._sockets}/circus"

    def is_up(self) -> bool:
        """Whether circus runs the roles."""
        return self._ask("list") is not None

    def up(self) -> None:
        """Start every role and wait until it answers. Raises UsageError."""
        if not self.is_up():
            self._start_circus()
        else:
            self.scale(self._settings.worker_count)
        if not self._settings.host:
            self._wait_for("postgres", self._database_listens)
            self._must("start", name="api")  # not before: it looks at the database's version when it starts
            self._wait_for("api", lambda: _answers(f"{self._settings.api_url}/health"))
        self._wait_for("master", lambda: _answers(self._settings.ui_url))

    def _database_listens(self) -> bool:
        return any(self._database.glob(".s.PGSQL.*"))

    def _start_circus(self) -> None:
        self._database.mkdir(mode=0o711, parents=True, exist_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        for old in LOGS.iterdir():
            old.unlink()
        configuration = FOLDER / "circus.ini"
        with configuration.open("w") as file:
            self._configuration().write(file)
        with (LOGS / "circus.log").open("w") as log:
            subprocess.Popen(
                [sys.executable, "-m", "circus.circusd", str(configuration)],
                cwd=ROOT,
                env={**os.environ, MARK: str(FOLDER)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _configuration(self) -> configparser.RawConfigParser:
        ini = configparser.RawConfigParser()
        ini.optionxform = str  # type: ignore[assignment,method-assign]  # variables are upper-case
        ini["circus"] = {
            "endpoint": self._endpoint,
            "pubsub_endpoint": f"ipc://{self._sockets}/circus-events",
            "check_delay": "1",
        }
        for role in self._settings.roles:
            ini[f"watcher:{role}"] = {**self._watcher(role), **WATCHERS[role]}
            ini[f"env:{role}"] = self._environment(role)
        return ini

    def _watcher(self, role: str) -> dict[str, str]:
        return {
            "cmd": f"{sys.executable} {self._command(role)}",
            "working_dir": str(ROOT),
            "copy_env": "True",
            "max_retry": "3",
            "graceful_timeout": "30",
            "stop_children": "False",
            "numprocesses": str(self._settings.worker_count) if role == "worker" else "1",
            "stdout_stream.class": "FileStream",
            "stdout_stream.filename": str(LOGS / f"{role}.log"),
            "stderr_stream.class": "FileStream",
            "stderr_stream.filename": str(LOGS / f"{role}.log"),
        }

    def _command(self, role: str) -> str:
        settings = self._settings
        match role:
            case "postgres":
                return f"-m postgres.embedded --data {FOLDER / 'postgres'} --socket-dir {self._database}"
            case "api":
                return f"run_api.py --host 127.0.0.1 --port {settings.api_port}"
            case "master":
                return (
                    f"-m stampede locust --config master/locust.conf --results {FOLDER / 'results'}"
                    f" --web-host 127.0.0.1 --web-port {settings.ui_port}"
                    f" --master-bind-host 127.0.0.1 --master-bind-port {settings.master_port}"
                )
            case _:
                return (
                    f"-m stampede locust --config worker/locust.conf"
                    f" --master-host 127.0.0.1 --master-port {settings.master_port}"
                )

    def _environment(self, role: str) -> dict[str, str]:
        settings = self._settings
        if role in ("postgres", "api"):
            return {"DATABASE_URL": f"postgresql://api:stampede@/stampede?host={self._database}"}
        return {
            "LOCUST_HOST": settings.host or settings.api_url,
            "LOCUST_LOCUSTFILE": str(settings.locustfile or "load_tests/locustfile.py"),
        }

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

    def scale(self, workers: int) -> None:
        """Change the number of workers, also in the middle of a run."""
        self._must("set", name="worker", options={"numprocesses": workers}, waiting=True)

    def restart_load(self) -> None:
        """Start master and workers again, with the load tests as they are now."""
        for role in ("worker", "master"):
            self._must("restart", name=role, waiting=True)

    def seed(self) -> None:
        """Bring the database back to the catalogue a run starts from."""
        embedded = [sys.executable, "-m", "postgres.embedded", "--socket-dir", str(self._database)]
        psql = ["psql", "-q", "-f", "postgres/seed.sql"]
        done = subprocess.run([*embedded, *psql], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise UsageError(f"the catalogue cannot be seeded: {done.stderr.strip()}")

    def target(self, host: str) -> str:
        """`host` as the processes reach it."""
        return host

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

    def _must(self, command: str, **properties: Any) -> None:
        answer = self._ask(command, **properties)
        if answer is None or answer.get("status") != "ok":
            raise UsageError("the cluster is not up: `make up` starts it")

    def _ask(self, command: str, **properties: Any) -> dict[str, Any] | None:
        """Circus's answer; None where it does not run."""
        if not (self._sockets / "circus").exists():
            return None
        client = CircusClient(endpoint=self._endpoint, timeout=60.0 if properties.get("waiting") else 2.0)
        try:
            answer: dict[str, Any] = client.send_message(command, **properties)
            return answer
        except CallError:
            return None
        finally:
            client.stop()


WATCHERS: dict[str, dict[str, str]] = {
    "postgres": {"stop_signal": "INT"},  # a fast shutdown: SIGTERM would wait for the clients to leave
    "api": {"autostart": "False"},
    "master": {},
    "worker": {},
}


def end_leftovers() -> None:
    """End what a crash has left of this checkout's cluster."""
    ours = _ours()
    for process in ours:
        process.terminate()
    _, alive = psutil.wait_procs(ours, timeout=10)
    for process in alive:
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


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _last_words(role: str) -> str:
    log = LOGS / f"{role}.log"
    return last_words(log.read_text() if log.exists() else "")

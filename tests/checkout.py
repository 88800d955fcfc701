"""A copy of the project that a test may bring up, break and take down."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import schemas
from tests.held_up import by_the_machine

ROOT = Path(__file__).resolve().parent.parent

PATIENCE = 60.0
"""Seconds to wait for something that must happen."""


class ClusterError(Exception):
    """The cluster did not come up; the message is what it said."""


@dataclass
class Checkout:
    """`make` in it uses ports and a Compose project of its own."""

    folder: Path
    ui_port: int
    api_port: int
    master_port: int
    used: set[str] = field(default_factory=set)
    project: str = ""
    """The name of the Compose project; empty: one of its own."""

    @property
    def ui_url(self) -> str:
        """Where its master's UI is published."""
        return f"http://127.0.0.1:{self.ui_port}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that keep it apart from any other cluster."""
        return {
            **os.environ,
            # no image's name may end with _
            "COMPOSE_PROJECT_NAME": self.project or self.folder.name.replace("_", ""),
            "UI_PORT": str(self.ui_port),
            "API_PORT": str(self.api_port),
            "MASTER_PORT": str(self.master_port),
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it; the output of both streams is in stdout."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def make(self, verb: str, *settings: str) -> subprocess.CompletedProcess[str]:
        """`make VERB NAME=value …`, as a user types it."""
        self._note(settings)
        return self.run("make", verb, *settings)

    def rig(self, verb: str, *settings: str) -> subprocess.CompletedProcess[str]:
        """`python -m stampede VERB NAME=value …`, whose exit code is the run's."""
        self._note(settings)
        return self.run(".venv/bin/python", "-m", "stampede", verb, *settings)

    def trusted_run(self, *settings: str) -> subprocess.CompletedProcess[str]:
        """`stampede headless`; once more where the machine, not what is tested, kept it from being VALID."""
        latest = self.folder / "results" / "latest"
        latest.unlink(missing_ok=True)  # from here on it names this run or none
        done = self.rig("headless", *settings)
        return self.rig("headless", *settings) if by_the_machine(latest) else done

    def bring_up(self, runtime: str, workers: int, *settings: str) -> None:
        """`make up`, in a session of its own: Ctrl-C is for us, who let it end by itself.

        Raises ClusterError.
        """
        settings = (f"RUNTIME={runtime}", f"WORKERS={workers}", *settings)
        command = [".venv/bin/python", "-m", "stampede", "up", *settings]
        log = self.folder / "up.log"
        with log.open("w") as output:
            rig = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                failed = rig.wait()
            except BaseException:
                ignore_interrupts()
                rig.terminate()
                rig.wait()
                raise
        if failed:
            raise ClusterError(log.read_text().strip())

    def containers_alive(self, *services: str) -> int:
        """How many containers of these services run, or are about to again."""
        states = ["--status", "running", "--status", "restarting"]
        return len(self.run("docker", "compose", "ps", "--quiet", *states, *services).stdout.split())

    def _note(self, settings: tuple[str, ...]) -> None:
        self.used.update(s.removeprefix("RUNTIME=") for s in settings if s.startswith("RUNTIME="))

    def get(self, path: str) -> Any:
        """JSON from the master's UI."""
        with urllib.request.urlopen(self.ui_url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: str = "", kind: str = "application/x-www-form-urlencoded") -> Any:
        """JSON from a POST to the master's UI."""
        request = urllib.request.Request(
            self.ui_url + path, data=body.encode(), headers={"Content-Type": kind}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def workers(self) -> list[dict[str, Any]]:
        """The rows of the UI's Workers tab."""
        return list(self.get("/stats/requests")["workers"])

    def api_status(self, path: str, body: str | None = None) -> int:
        """The status of a GET to the API, or with a JSON body of a POST."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}{path}",
            data=body.encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def orders_served(self) -> int:
        """POST /orders/ that the API itself has counted, whatever it answered."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}/metrics", timeout=30) as answer:
            metrics = answer.read().decode()
        counted = re.findall(r'http_requests_total{method="POST",route="/orders/",.*} (\S+)', metrics)
        return sum(int(float(count)) for count in counted)

    def keep_results(self, run_id: str, into: Path) -> Path:
        """Copy the folder of a run that has reached results/; returns the copy."""
        return Path(shutil.copytree(self.folder / "results" / run_id, into / run_id))

    def run_left_behind(self) -> dict[str, Any]:
        """run.json of the newest run, from the cluster that is up."""
        run_id = self.get("/stampede/run")["id"]
        with urllib.request.urlopen(f"{self.ui_url}/stampede/results/{run_id}.tar.gz", timeout=30) as answer:
            content = io.BytesIO(answer.read())
        with tarfile.open(fileobj=content) as archive:
            file = archive.extractfile(f"{run_id}/run.json")
            assert file is not None
            run: dict[str, Any] = json.load(file)
        return run

    def latest_run(self) -> dict[str, Any]:
        """run.json of results/latest, which is as its schema says, and so is verdict.json."""
        latest = self.folder / "results" / "latest"
        schemas.assert_valid(latest)
        run: dict[str, Any] = json.loads((latest / "run.json").read_text())
        return run


@contextmanager
def copied_project() -> Iterator[Checkout]:
    """One that is not there any more at the end; whoever brings a cluster up in it takes it down."""
    # Not pytest's tmp_path: PostgreSQL, which is never root, could not get through to it.
    folder = Path(tempfile.mkdtemp(prefix="stampede-checkout-"))
    folder.chmod(0o755)
    try:
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True)
        for name in files.stdout.split("\0"):
            if name and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / ".venv").symlink_to(ROOT / ".venv")
        yield Checkout(folder, *_free_ports())
    finally:
        shutil.rmtree(folder)


def ignore_interrupts() -> None:
    """Another Ctrl-C does not leave half a cluster."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _free_ports() -> tuple[int, int, int]:
    """Ports that nobody holds at this moment, all different."""
    with socket.socket() as ui, socket.socket() as api, socket.socket() as master:
        for probe in (ui, api, master):
            probe.bind(("127.0.0.1", 0))
        return ui.getsockname()[1], api.getsockname()[1], master.getsockname()[1]


def plain_environment() -> dict[str, str]:
    """The caller's, without what would help or hinder: our own paths and Locust's and the API's settings."""
    ours = ("LOCUST", "PYTHON", "VIRTUAL_ENV", "PG", "POSTGRES", "DATABASE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait for a condition; fails with `what` when time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waiting for {what} timed out after {seconds:g} s"
        time.sleep(0.1)

"""Each command of load_tests/README.md, and so each of the load-testing guide's, runs as it is written there.

Only its time is shortened. The commands run in a network of their own: there the ports 8000 and 8089 are
free, and no other cluster is disturbed.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from stampede.rig.settings import NAMES
from tests import guide
from tests.checkout import copied_project, plain_environment, wait_until
from tests.held_up import by_the_machine
from tests.lossless import links

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]  # the first test waits for the installs

BLOCKS = guide.blocks(Path("load_tests/README.md").read_text())
COMMANDS = [command for block in BLOCKS for command in guide.commands(block)]
INSTALLS = ["poetry install", "pip install locust faker"]
API = "python run_api.py"
WITH_LOCUST = [command for command in COMMANDS if command.startswith("locust ")]
WITH_UI = [command for command in WITH_LOCUST if "--headless" not in command]
HEADLESS = [command for command in WITH_LOCUST if "--headless" in command]
WITH_MAKE = [block for block in BLOCKS if block.startswith("make ")]

UI = "http://localhost:8089"
CLONE_NEWNET = 0x40000000
"""Of sched.h; os.unshare came with Python 3.12."""


def test_every_command_is_tested_here() -> None:
    of_make = [command for block in WITH_MAKE for command in guide.commands(block)]
    assert sorted(COMMANDS) == sorted([*INSTALLS, API, *WITH_UI, *HEADLESS, *of_make])
    assert len(WITH_UI) == 9, "all of the guide's but those of its CI"


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """A copy of the project after `poetry install`: its .venv is Poetry's."""
    if reason := links.missing():
        pytest.skip(reason)
    with copied_project() as checkout:
        folder = checkout.folder
        (folder / ".venv").unlink()  # a link to ours
        subprocess.run([sys.executable, "-m", "venv", folder / ".poetry"], check=True)
        assert shell("pip install --quiet poetry", folder, ".poetry") == 0
        # Without a source, Poetry needs the JSON API of pypi.org, which mirrors do not have.
        assert (
            shell("poetry source add --priority=primary simple https://pypi.org/simple/", folder, ".poetry")
            == 0
        )
        assert shell(INSTALLS[0], folder, ".poetry") == 0
        yield folder


@pytest.fixture(scope="module")
def locust_and_faker(project: Path) -> str:
    """The name of a venv in the project after `pip install locust faker`."""
    subprocess.run([sys.executable, "-m", "venv", project / ".pip"], check=True)
    assert shell(INSTALLS[1], project, ".pip") == 0
    return ".pip"


@pytest.fixture(scope="class")
def api(project: Path, locust_and_faker: str) -> Iterator[None]:  # noqa: ARG001 - installed outside of the network
    """The API as the guide starts it, in a network of its own; Ctrl-C ends it in order."""
    with own_network(), started(API, project, ".venv") as server:
        wait_until(
            lambda: server.poll() is not None or answers("http://localhost:8000/health"), "the API is up"
        )
        yield
        assert interrupted(server) == 0


@pytest.mark.usefixtures("api")
class TestWithoutTheCluster:
    """The API, which the class shares, ends before the cluster starts."""

    @pytest.mark.parametrize("command", WITH_UI)
    def test_a_command_with_the_ui(self, command: str, project: Path, locust_and_faker: str) -> None:
        """The UI opens with the command's numbers, the load runs without a failure, Ctrl-C ends it with 0."""
        users, rate = option(command, "-u", "--users", "10"), option(command, "-r", "--spawn-rate", "10")
        with started(command, project, locust_and_faker) as locust:
            wait_until(lambda: locust.poll() is not None or answers(UI), "the UI is up")
            page = fetch(UI)
            if re.search(r" (-u|--users) ", command):
                assert re.search(rf'"num_users": {users},', page), page
                assert re.search(rf'"spawn_rate": {rate}(\.0)?,', page), page
            form = {"user_count": users, "spawn_rate": rate, "host": "http://localhost:8000"}
            assert json.loads(fetch(UI + "/swarm", form))["success"]
            wait_until(lambda: stats()["user_count"] == int(users), "all users are there")
            wait_until(lambda: total(stats())["num_requests"] >= 2 * int(users), "each has sent requests")
            assert not total(stats())["num_failures"]
            assert interrupted(locust) == 0

    @pytest.mark.parametrize("command", [*HEADLESS, guide.CI_COMMAND])
    def test_a_headless_command(self, command: str, project: Path, locust_and_faker: str) -> None:
        """It ends with 0, and leaves the files that it names."""
        named = re.findall(r"--html (\S+)", command)
        named += [f"{prefix}_stats.csv" for prefix in re.findall(r"--csv (\S+)", command)]
        for name in named:
            (project / name).unlink(missing_ok=True)
        shortened = re.sub(r"(--run-time|-t) \S+", r"\1 15s", command)
        assert shortened != command
        assert shell(shortened, project, locust_and_faker) == 0
        assert all((project / name).exists() for name in named)


@pytest.fixture(scope="module")
def network(project: Path) -> Iterator[None]:
    """A network of its own for the cluster, which starts an API on the same port and the same data."""
    with own_network():
        yield
        shell("make reset", project, ".venv")


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("block", WITH_MAKE)
def test_the_commands_of_the_cluster(block: str, project: Path) -> None:
    """They end with 0, as a run does that is PASS; with DEBUG, the log shows each request."""
    for command in guide.commands(block):
        if "headless" not in command:
            assert shell(command, project, ".venv") == 0
        else:  # `heavy` starts users for 20 s
            run_load(re.sub(r" RUN_TIME=\S+", "", command) + " RUN_TIME=24s", project)
    if "DEBUG" in block:
        logs = "".join(log.read_text() for log in (project / ".local/log").glob("worker*.log"))
        assert re.search(r"load_tests\.shop: GET /products/\S* +-> 200, expected", logs)


def run_load(command: str, project: Path) -> None:
    """Run a load; it is PASS, or nothing but the machine kept it from being VALID."""
    latest = project / "results" / "latest"
    latest.unlink(missing_ok=True)  # from here on it names this run or none
    assert shell(command, project, ".venv") == 0 or by_the_machine(latest)


@contextmanager
def own_network() -> Iterator[None]:
    """Let this thread, and what it starts in the block, have nothing but a loopback of its own."""
    system = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        assert system.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        assert system.setns(before, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        os.close(before)


def typed(command: str, project: Path, venv: str) -> dict[str, Any]:
    """Return the arguments of subprocess for a command that a user types in an environment that is active."""
    plain = {name: value for name, value in plain_environment().items() if name not in NAMES}
    path = f"{project / venv / 'bin'}:{plain['PATH']}"
    ours = {"RUNTIME": "local", "POETRY_VIRTUALENVS_IN_PROJECT": "true", "PATH": path}
    # staging-api is this machine.
    names = 'mount --bind hosts /etc/hosts && exec "$0" "$@"'
    (project / "hosts").write_text("127.0.0.1 localhost staging-api\n::1 localhost\n")
    arguments = ["bash", "-c", command]
    if "staging-api" in command:
        arguments = ["unshare", "--mount", "sh", "-c", names, *arguments]
    return {"args": arguments, "cwd": project, "env": {**plain, **ours}, "stdin": subprocess.DEVNULL}


def shell(command: str, project: Path, venv: str) -> int:
    """Return the exit code of a command."""
    print("$", command, flush=True)
    return subprocess.run(**typed(command, project, venv), stderr=subprocess.STDOUT).returncode


@contextmanager
def started(command: str, project: Path, venv: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that goes on during the block; it does not outlive it."""
    print("$", command, flush=True)
    process = subprocess.Popen(
        **typed(command, project, venv), stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def interrupted(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code after Ctrl-C, which a terminal sends to all processes of a command."""
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(60)


def option(command: str, short: str, long: str, default: str) -> str:
    """Return the value of an option in a command."""
    found = re.search(rf"(?:{short}|{long}) (\S+)", command)
    return found[1] if found else default


def fetch(url: str, form: dict[str, str] | None = None) -> str:
    """Return the answer to a GET, or to the POST of a form."""
    with urlopen(url, urlencode(form).encode() if form else None, timeout=30) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    """Return whether the URL is answered with 200."""
    try:
        fetch(url)
    except (URLError, OSError):
        return False
    return True


def stats() -> Any:
    """Return Locust's statistics of this moment."""
    return json.loads(fetch(UI + "/stats/requests"))


def total(of: Any) -> Any:
    """Return the row of all requests."""
    return next(row for row in of["stats"] if row["name"] == "Aggregated")

"""A fresh clone on a fresh machine: python3, pip and make are there, and nothing else; nobody is root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout

ENGINE_SOCKET = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))


@dataclass(frozen=True)
class Newcomer:
    """A user with a checkout, a home in it, and an untouched machine's Python."""

    checkout: Checkout
    python: Path
    uid: int
    identity: dict[str, Any]
    """The arguments of subprocess that change to this user."""

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as this user; the output of both streams is in stdout."""
        environment = self.checkout.environment
        environment |= {
            "HOME": str(self.checkout.folder / "home"),
            "PATH": f"{self.python.parent}:{environment['PATH']}",
            "PIP_BREAK_SYSTEM_PACKAGES": "0",  # some machines are told to, system-wide
        }
        return subprocess.run(
            command,
            cwd=self.checkout.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **self.identity,
        )

    def own(self, folder: Path) -> None:
        """Give the folder to this user, if it is not theirs by being ours."""
        if self.identity:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, -1, follow_symlinks=False)


def somebody() -> tuple[int, dict[str, Any]]:
    """Ourselves; as root, nobody, who may talk to the engine where its socket's group may."""
    if os.geteuid() != 0:
        return os.geteuid(), {}
    # A number that has no name would not do: initdb asks for it.
    nobody = pwd.getpwnam("nobody")
    groups = [ENGINE_SOCKET.stat().st_gid] if ENGINE_SOCKET.exists() else []
    return nobody.pw_uid, {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": groups}


def python_that_refuses(folder: Path) -> Path:
    """A python3 whose pip leaves the system alone (PEP 668): the machine's, else a copy of ours made so."""
    system = Path("/usr/bin/python3")
    if system.exists() and "externally-managed" in pip_says(system):
        return system
    stdlib = Path(os.__file__).parent
    copy = folder / "lib" / stdlib.name
    shutil.copytree(stdlib, copy, ignore=shutil.ignore_patterns("test", "__pycache__", "site-packages"))
    shutil.copytree(stdlib / "site-packages" / "pip", copy / "site-packages" / "pip")
    (copy / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Made so for a test.\n")
    (folder / "bin").mkdir()
    return Path(shutil.copy(Path(sys.executable).resolve(), folder / "bin" / "python3"))


def pip_says(python: Path) -> str:
    """What pip answers when it is asked to install into the system; nothing would be found to install."""
    install = [str(python), "-m", "pip", "install", "--no-index", "nothing-of-this-name"]
    environment = {**os.environ, "PIP_BREAK_SYSTEM_PACKAGES": "0"}
    return subprocess.run(install, env=environment, capture_output=True, text=True).stderr


@pytest.fixture(scope="module")
def newcomer(checkout: Checkout) -> Iterator[Newcomer]:
    """Theirs is a fresh clone: no .venv, nothing in .local, nothing in any cache."""
    (checkout.folder / ".venv").unlink()
    (checkout.folder / "home").mkdir()
    uid, identity = somebody()
    python = python_that_refuses(checkout.folder / "home" / "python")
    made = Newcomer(checkout, python, uid, identity)
    made.own(checkout.folder)
    yield made
    for runtime in checkout.used:
        made.run("make", "reset", f"RUNTIME={runtime}", "FORCE=1")
    checkout.used.clear()  # root's `make reset` would look for root's cluster


def test_install_where_pip_refuses(newcomer: Newcomer) -> None:
    """`make install` makes a .venv that works, from a Python whose pip installs nothing; again, it rests."""
    assert "externally-managed" in pip_says(newcomer.python)
    done = newcomer.run("make", "install")
    assert done.returncode == 0, done.stdout
    version = newcomer.run(".venv/bin/locust", "--version")
    assert version.stdout.startswith("locust "), version.stdout
    made = (newcomer.checkout.folder / ".venv").stat().st_mtime_ns

    assert newcomer.run("make", "install").returncode == 0
    assert (newcomer.checkout.folder / ".venv").stat().st_mtime_ns == made
    assert newcomer.run("make", "--question", "install").returncode == 0


@pytest.mark.long
@pytest.mark.parametrize("runtime", ["local", "compose"])
def test_results_belong_to_the_caller(
    newcomer: Newcomer, runtime: str, request: pytest.FixtureRequest
) -> None:
    """A headless run by a user who is not root passes, and the files it leaves are theirs."""
    if runtime == "compose":
        request.getfixturevalue("engine")
        if newcomer.run("docker", "info").returncode:
            pytest.skip("the container engine lets in nobody but root")
    newcomer.checkout.used.add(runtime)
    results = newcomer.checkout.folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    done = newcomer.run("make", "headless", "PROFILE=smoke", "RUN_TIME=4s", "WORKERS=1", f"RUNTIME={runtime}")
    assert "Report: " in done.stdout, done.stdout  # on a busy machine four seconds may not be VALID
    assert newcomer.checkout.latest_run()["requests"] > 0
    left = [results, *results.rglob("*")]
    assert {path.name for path in left} >= {"latest", "run.json", "locust.html"}
    assert {path.lstat().st_uid for path in left} == {newcomer.uid}
    assert all(path.lstat().st_mode & stat.S_IWUSR for path in left)

"""`.ci/run` on a visitor's machine: a normal user, in a checkout with nothing next to it."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout
from tests.cluster.test_fresh_machine import ENGINE_SOCKET

VISITOR = 1000
"""The user id of the first user of most machines."""


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home folder, outside the checkout: `make lint` checks everything in that."""
    with tempfile.TemporaryDirectory(prefix="stampede-home-") as folder:
        yield Path(folder)


@pytest.fixture
def identity() -> Iterator[dict[str, Any]]:
    """The arguments of subprocess that change to user 1000, who may use the engine. Only root can change."""
    if os.geteuid() != 0:
        yield {}
        return
    try:
        user, is_made = pwd.getpwuid(VISITOR), False
    except KeyError:  # initdb wants a name
        subprocess.run(["useradd", "--uid", str(VISITOR), "stampede-visitor"], check=True)
        user, is_made = pwd.getpwuid(VISITOR), True
    yield {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [ENGINE_SOCKET.stat().st_gid]}
    if is_made:
        subprocess.run(["userdel", user.pw_name], check=True)


@pytest.mark.long
@pytest.mark.timeout(2400)
@pytest.mark.usefixtures("engine")
def test_a_normal_user_can_run_it(
    request: pytest.FixtureRequest, checkout: Checkout, home: Path, identity: dict[str, Any]
) -> None:
    """All that takes minutes rather than a quarter of an hour; it installs what it needs."""
    (checkout.folder / ".venv").unlink()
    subprocess.run(["git", "init", "--quiet"], cwd=checkout.folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=checkout.folder, check=True)  # tests copy the files git lists
    for folder in (home, checkout.folder):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, identity.get("user", -1), identity.get("group", -1), follow_symlinks=False)
    request.addfinalizer(partial(remove_images, checkout, identity.get("user", os.geteuid())))
    done = subprocess.run(
        [".ci/run", "lint", "smoke", "fault", "unit", "integration"],
        cwd=checkout.folder,
        env={**checkout.environment, "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **identity,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "==== done" in done.stdout


def remove_images(checkout: Checkout, user: int) -> None:
    """Those of the Compose project of `.ci/run`, and the containers of a run that was broken off."""
    project = f"stampede-ci-{user}"
    checkout.run("docker", "compose", "--project-name", project, "down", "--volumes")
    images = [
        f"{project}-{role}" for role in ("api", "master", "worker")
    ]  # `down` without containers keeps them
    checkout.run("docker", "image", "rm", *images)


def test_without_an_engine_it_ends_with_one_line(checkout: Checkout) -> None:
    """Before it installs anything."""
    nobody_there = f"DOCKER_HOST=unix://{checkout.folder}/nobody-listens.sock"
    done = checkout.run("env", "-u", "DOCKER_CONTEXT", nobody_there, ".ci/run")
    assert done.returncode == 2
    assert done.stdout == ".ci/run: no container engine answers: start Docker, with Compose\n"


def test_an_unknown_step_is_refused(checkout: Checkout) -> None:
    done = checkout.run(".ci/run", "lint", "everything")
    assert done.returncode == 2
    assert done.stdout.startswith(".ci/run: there is no step 'everything': choose among smoke, ")
    assert len(done.stdout.splitlines()) == 1

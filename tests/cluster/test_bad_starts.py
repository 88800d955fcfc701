"""What keeps a cluster from starting is said in one line, with exit code 2, and nothing is left running."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from postgres import embedded
from tests.checkout import Checkout
from tests.cluster.test_leftovers import containers_of, processes_of

ONE_PROBE = 5.0
"""Seconds that a refusal may take: it asks an engine that is not there, and no more."""


def rig_without_engine(checkout: Checkout, verb: str, *settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m stampede` where no engine answers, and where nobody has said what to use instead."""
    nobody_there = f"DOCKER_HOST=unix://{checkout.folder}/nobody-listens.sock"
    environment = ["env", "-u", "RUNTIME", "-u", "DOCKER_CONTEXT", nobody_there]
    return checkout.run(*environment, ".venv/bin/python", "-m", "stampede", verb, *settings)


def psql(checkout: Checkout, runtime: str, statement: str) -> None:
    """Run a statement as the superuser on the data of a cluster that is not up, which are made if missing."""
    if runtime == "local":
        with embedded.running(checkout.folder / ".local" / "postgres") as server:
            server.psql("-c", statement)
        return
    execute = ("exec", "-T", "postgres", "psql", "-U", "postgres", "stampede", "-c", statement)
    for command in (("up", "--detach", "--wait", "postgres"), execute):
        done = checkout.run("docker", "compose", *command)
        assert done.returncode == 0, done.stdout[-500:]


@pytest.fixture(params=["local", pytest.param("compose", marks=pytest.mark.long)])
def runtime(request: pytest.FixtureRequest, checkout: Checkout) -> str:
    """Compose where an engine answers."""
    if request.param == "compose":
        request.getfixturevalue("engine")
    checkout.used.add(request.param)
    return str(request.param)


@pytest.mark.parametrize("verb", ["up", "headless", "ps", "down"])
def test_compose_without_an_engine(checkout: Checkout, verb: str) -> None:
    """Who asks for containers is not given processes: one line says what to do, at once."""
    begun = time.monotonic()
    done = rig_without_engine(checkout, verb, "RUNTIME=compose")
    assert time.monotonic() - begun < ONE_PROBE
    assert done.returncode == 2
    assert done.stdout == "stampede: no container engine answers: start Docker, or use RUNTIME=local\n"
    assert processes_of(checkout.folder) == []


def test_no_engine_and_none_asked_for(checkout: Checkout) -> None:
    """The cluster runs all the same, as processes; `up` prints why, and `down` finds it again."""
    checkout.used.add("local")
    try:
        up = rig_without_engine(checkout, "up", "WORKERS=1")
        assert up.returncode == 0, up.stdout
        assert "1 worker: processes on this machine (no container engine) …" in up.stdout
        assert "RUNTIME=local" not in up.stdout
        assert processes_of(checkout.folder)
        assert checkout.api_status("/health") == 200
        assert len(checkout.workers()) == 1
    finally:
        down = rig_without_engine(checkout, "down")
    assert down.returncode == 0, down.stdout
    assert processes_of(checkout.folder) == []


def test_data_of_another_schema_version(checkout: Checkout, runtime: str) -> None:
    """An API that never gets healthy: the line is its own last word, which names the versions and the way
    out; all the others, healthy or not, are gone."""
    psql(checkout, runtime, "UPDATE schema_version SET version = 4321")
    up = checkout.rig("up", "WORKERS=1", f"RUNTIME={runtime}")
    assert up.returncode == 2, up.stdout
    said = up.stdout.splitlines()[-1]
    assert said.startswith("stampede: api did not get healthy: ")
    assert "schema version 4321" in said
    assert "`make reset`" in said
    assert "Traceback" not in up.stdout
    assert processes_of(checkout.folder) == []
    (folder,) = re.findall(r" \(logs: (/.*)\)$", said)
    logs = {file.name: file.read_text() for file in Path(folder).iterdir()}
    assert "schema version 4321" in logs["api.log"]
    assert "database system is ready" in logs["postgres.log"]
    if runtime == "compose":
        assert containers_of(checkout) == []
        shown = checkout.make("logs", "RUNTIME=compose")
        assert (shown.returncode, "schema version 4321" in shown.stdout) == (0, True)


@pytest.mark.parametrize(
    ("runtime", "name"),
    [
        ("local", "API_PORT"),
        ("local", "MASTER_PORT"),  # of the containers' own network in the other runtime: never in use there
        ("compose", "API_PORT"),
    ],
    indirect=["runtime"],
)
def test_a_port_in_use_is_named(checkout: Checkout, runtime: str, name: str) -> None:
    """The line names the port and the variable that chooses another, before anything is started."""
    port = int(checkout.environment[name])
    with socket.create_server(("127.0.0.1", port)):
        done = checkout.rig("up", f"RUNTIME={runtime}")
    assert done.returncode == 2, done.stdout
    (line,) = done.stdout.splitlines()
    assert f"port {port} is in use" in line
    assert f"{name}=" in line
    assert processes_of(checkout.folder) == []


@pytest.mark.parametrize(
    "settings",
    [
        ("UI_BIND=0.0.0.0",),
        ("UI_BIND=0.0.0.0", "UI_USER=ada"),
        ("UI_BIND=0.0.0.0", "UI_USER=ada", "UI_PASSWORD_FILE=/dev/null"),
        ("UI_USER=ada",),
    ],
)
def test_a_ui_without_the_password_it_wants(checkout: Checkout, settings: tuple[str, ...]) -> None:
    """Whoever reaches it could send a load: nothing is started, and the line says what is missing."""
    done = checkout.rig("up", "RUNTIME=local", *settings)
    assert done.returncode == 2, done.stdout
    (line,) = done.stdout.splitlines()
    assert "UI_USER and UI_PASSWORD" in line
    assert processes_of(checkout.folder) == []


@pytest.mark.parametrize("verb", ["headless", "up"])
def test_results_that_could_not_be_left(checkout: Checkout, verb: str) -> None:
    """It is said before the run, not at its end: nothing is started."""
    results = checkout.folder / "results"
    aside = results.rename(checkout.folder / "aside")
    results.touch()
    try:
        done = checkout.rig(verb, "RUNTIME=local")
    finally:
        results.unlink()
        aside.rename(results)
    assert done.returncode == 2, done.stdout
    assert done.stdout.splitlines() == [
        f"stampede: {results} cannot be written to (File exists): change its owner, or move it away"
    ]

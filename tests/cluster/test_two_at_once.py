"""Two commands at the same time in one clone: the second is refused, and the first goes on."""

from __future__ import annotations

import json
import subprocess

import pytest

from stampede.rig import lock
from tests.checkout import Checkout, wait_until
from tests.cluster.test_leftovers import in_progress


@pytest.fixture(params=["local", pytest.param("compose", marks=pytest.mark.long)])
def runtime(request: pytest.FixtureRequest, checkout: Checkout) -> str:
    if request.param == "compose":
        request.getfixturevalue("engine")
    checkout.used.add(request.param)
    return str(request.param)


def start_headless(checkout: Checkout, *settings: str) -> subprocess.Popen[str]:
    command = [".venv/bin/python", "-m", "stampede", "headless", *settings]
    return subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.long
def test_one_of_two_headless_runs_goes_on(checkout: Checkout, runtime: str) -> None:
    """Started at the same moment, and while one is in progress. On a busy machine a run may not be VALID."""
    settings = (f"RUNTIME={runtime}", "PROFILE=smoke", "RUN_TIME=6s", "WORKERS=1")
    both = [start_headless(checkout, *settings) for _ in range(2)]
    wait_until(lambda: any(run.poll() is not None for run in both), "the end of one")
    refused, first = sorted(both, key=lambda run: run.poll() is None)
    printed, _ = refused.communicate()
    assert (refused.returncode, printed) == (2, f"stampede: {lock.HELD[lock.HEADLESS]}\n")
    wait_until(lambda: in_progress(checkout), "a run in progress")
    third = checkout.rig("headless", *settings)
    assert (third.returncode, third.stdout) == (2, printed)
    printed, _ = first.communicate(timeout=120)
    assert first.returncode in (0, 12), printed
    assert "Report: " in printed


@pytest.mark.parametrize("runtime", ["local", "compose"], indirect=True)
def test_a_start_in_progress_is_left_alone(
    checkout: Checkout, runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before its first process or container is there: it has not crashed, and its settings are kept."""
    assert checkout.rig("down", f"RUNTIME={runtime}").returncode == 0
    name = "local" if runtime == "local" else f"compose-{checkout.environment['COMPOSE_PROJECT_NAME']}"
    remembered = checkout.folder / ".local" / "clusters.json"
    settings = json.dumps({name.replace("-", " ", 1): {"RUNTIME": runtime, "LOCUST_LOGLEVEL": "DEBUG"}})
    remembered.parent.mkdir(exist_ok=True)
    remembered.write_text(settings)
    monkeypatch.setattr(lock, "FOLDER", checkout.folder / ".local")
    with lock.hold(lock.START, name):
        for verb in ("up", "headless"):
            done = checkout.rig(verb, f"RUNTIME={runtime}")
            assert (done.returncode, done.stdout) == (2, f"stampede: {lock.HELD[lock.START]}\n")
        assert checkout.rig("ps", f"RUNTIME={runtime}").returncode == 0
        assert remembered.read_text() == settings
    assert checkout.rig("ps", f"RUNTIME={runtime}").returncode == 0
    assert remembered.read_text() == "{}"

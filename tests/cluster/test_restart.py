"""`make restart`: an edit of the load tests takes effect, one that does not load is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkout import Checkout, wait_until


def append(file: Path, text: str) -> None:
    """As an editor does it: what is mounted is the same file afterwards."""
    file.write_text(file.read_text() + text)


@pytest.mark.long
@pytest.mark.parametrize("runtime", ["local", "compose"])
def test_an_edit_takes_effect_without_a_build(
    checkout: Checkout, runtime: str, request: pytest.FixtureRequest
) -> None:
    """A new kind of user is there after a restart; a mistake is said in words, and mended by the next one."""
    if runtime == "compose":
        request.getfixturevalue("engine")
    locustfile = checkout.folder / "load_tests" / "locustfile.py"
    before = locustfile.read_text()
    assert checkout.make("up", "WORKERS=3", f"RUNTIME={runtime}").returncode == 0

    append(locustfile, "\n\nclass Newcomer(MonitoringUser):\n    weight = 2\n")
    assert checkout.make("restart").returncode == 0
    assert "Newcomer" in checkout.get("/tasks")["per_class"]

    append(locustfile, "\nthis is no Python\n")
    broken = checkout.rig("restart")
    assert broken.returncode == 2
    assert "SyntaxError" in broken.stdout.splitlines()[-1]
    if runtime == "compose":
        wait_until(lambda: not checkout.containers_alive("master", "worker"), "containers that gave up")

    locustfile.write_text(before)
    assert checkout.make("restart").returncode == 0
    assert checkout.make("scale", "N=2").returncode == 0, "whatever it runs on is remembered"
    assert "Newcomer" not in checkout.get("/tasks")["per_class"]
    refuse_in_a_run(checkout)
    assert checkout.make("down").returncode == 0


def refuse_in_a_run(checkout: Checkout) -> None:
    """A run in progress is not cut off."""
    checkout.post("/stampede/run", json.dumps({"profile": "smoke", "run_time": "5m"}), "application/json")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "window", "a run in progress")
    refused = checkout.rig("restart")
    assert refused.returncode == 2
    assert "a run is in progress" in refused.stdout
    assert checkout.get("/stampede/run")["phase"] == "window"

"""Nothing stays behind: after Ctrl-C, after a crash of what keeps the processes, as somebody else's user."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.checkout import Checkout, wait_until


def processes_of(folder: Path) -> list[psutil.Process]:
    """What runs on behalf of a checkout's local runtime."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STAMPEDE_LOCAL") == str(folder / ".local"):
                found.append(process)
        except psutil.Error:  # it ended, or is not ours to look at
            continue
    return found


def containers_of(checkout: Checkout) -> list[str]:
    """What runs of a checkout's Compose project."""
    listed = checkout.run("docker", "compose", "ps", "--all", "--quiet")
    return listed.stdout.split()


def start_headless(checkout: Checkout, runtime: str) -> subprocess.Popen[str]:
    """A run in progress, as a terminal starts it."""
    checkout.used.add(runtime)
    headless = subprocess.Popen(
        [
            ".venv/bin/python",
            "-m",
            "stampede",
            "headless",
            "PROFILE=smoke",
            "WORKERS=1",
            f"RUNTIME={runtime}",
        ],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: in_progress(checkout), "a run in progress")
    return headless


def in_progress(checkout: Checkout) -> bool:
    try:
        return bool(checkout.get("/stampede/run")["in_progress"])
    except OSError:
        return False


@pytest.mark.long
def test_ctrl_c_takes_the_processes_along(checkout: Checkout) -> None:
    """Interrupted in the middle of a run, headless ends what it started, in words instead of a traceback."""
    headless = start_headless(checkout, "local")
    assert processes_of(checkout.folder)
    headless.send_signal(signal.SIGINT)
    said, _ = headless.communicate(timeout=60)
    assert headless.returncode == 130, said
    assert "Traceback" not in said
    assert processes_of(checkout.folder) == []


@pytest.mark.usefixtures("engine")
def test_ctrl_c_takes_the_containers_along(checkout: Checkout) -> None:
    """The same with containers."""
    headless = start_headless(checkout, "compose")
    assert containers_of(checkout)
    headless.send_signal(signal.SIGINT)
    said, _ = headless.communicate(timeout=60)
    assert headless.returncode == 130, said
    assert "Traceback" not in said
    assert containers_of(checkout) == []
    assert checkout.latest_run()["as_planned"] is False


@pytest.mark.long
def test_what_a_crash_leaves_the_next_verb_ends(checkout: Checkout) -> None:
    """Circus killed hard leaves orphans; `make up` replaces them, `make down` leaves none."""
    assert checkout.make("up", "WORKERS=1", "RUNTIME=local").returncode == 0
    (keeper,) = [p for p in processes_of(checkout.folder) if "circus.circusd" in p.cmdline()]
    keeper.kill()
    keeper.wait(timeout=10)
    orphans = processes_of(checkout.folder)
    assert orphans
    up = checkout.make("up", "WORKERS=1", "RUNTIME=local")
    assert up.returncode == 0, up.stdout
    assert not any(orphan.is_running() for orphan in orphans)
    assert checkout.make("down", "RUNTIME=local").returncode == 0
    assert processes_of(checkout.folder) == []

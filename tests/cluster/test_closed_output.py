"""Nothing reads the output any more: `| head` has ended, or the terminal was closed."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess

import pytest

from tests.checkout import Checkout, wait_until
from tests.cluster.test_leftovers import in_progress, processes_of

RIG = (".venv/bin/python", "-m", "stampede")
HEADLESS = (*RIG, "headless", "PROFILE=smoke", "RUN_TIME=8s", "WORKERS=1", "RUNTIME=local")


@pytest.mark.long
def test_a_run_whose_pipe_was_closed_goes_on_to_its_end(checkout: Checkout) -> None:
    """Its results are there, its cluster is down, and its exit code is the verdict's."""
    checkout.used.add("local")
    rig = subprocess.Popen(
        HEADLESS,
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert rig.stdout is not None
    assert rig.stdout.readline().startswith("Starting the cluster")
    rig.stdout.close()
    rig.stdout = None  # communicate() would read it
    _, errors = rig.communicate(timeout=120)
    assert errors == ""
    judged = json.loads((checkout.folder / "results" / "latest" / "verdict.json").read_text())
    assert rig.returncode == judged["exit_code"]
    assert checkout.latest_run()["as_planned"] is True
    assert processes_of(checkout.folder) == []


def test_a_run_whose_terminal_was_closed_stops_in_order(checkout: Checkout) -> None:
    """As after Ctrl-C: it is judged, and its cluster is down."""
    checkout.used.add("local")
    latest = checkout.folder / "results" / "latest"
    latest.unlink(missing_ok=True)
    # In a session of its own, whose terminal is the pseudo-terminal: closing its other end sends SIGHUP.
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, for all that is started by it
        os.chdir(checkout.folder)
        os.execve(HEADLESS[0], HEADLESS, checkout.environment)  # noqa: S606
    wait_until(lambda: in_progress(checkout) and has_requests(checkout), "a run in progress")
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    run = checkout.latest_run()
    assert run["as_planned"] is False
    assert run["requests"] > 0
    assert processes_of(checkout.folder) == []


def has_requests(checkout: Checkout) -> bool:
    return bool(checkout.get("/stampede/run")["requests"])


@pytest.fixture(scope="module")
def cluster(checkout: Checkout) -> Checkout:
    """A cluster that is up."""
    up = checkout.make("up", "WORKERS=1", "RUNTIME=local")
    assert up.returncode == 0, up.stdout
    return checkout


@pytest.mark.parametrize("verb", ["ps", "logs", "up", "down"])  # the last one takes the cluster down
def test_no_verb_needs_a_reader(cluster: Checkout, verb: str) -> None:
    """It prints no traceback into a pipe that nothing reads, and is not said to have failed."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [*RIG, verb, "RUNTIME=local"],
        cwd=cluster.folder,
        env=cluster.environment,
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=90,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")

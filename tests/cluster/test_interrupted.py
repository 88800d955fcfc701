"""A master that dies in the middle of a run: what the run leaves is as documented, and is UNKNOWN."""

from __future__ import annotations

import json

import psutil

from tests.checkout import Checkout, wait_until
from tests.cluster.test_leftovers import processes_of, start_headless


def _is_master(process: psutil.Process) -> bool:
    return any(argument.endswith("master/locust.conf") for argument in process.cmdline())


def test_a_run_whose_master_died_leaves_what_was_known(checkout: Checkout) -> None:
    """The next master judges it, and headless waits for that."""
    headless = start_headless(checkout, "local")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "window", "all its users")
    (master,) = [each for each in processes_of(checkout.folder) if _is_master(each)]
    master.kill()
    said, _ = headless.communicate(timeout=90)
    assert headless.returncode == 12, said
    assert checkout.latest_run()["interrupted"] is True
    judged = json.loads((checkout.folder / "results" / "latest" / "verdict.json").read_text())
    assert (judged["verdict"], judged["exit_code"]) == ("UNKNOWN", 12)
    assert "the master ended during the run" in said

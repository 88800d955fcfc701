"""A worker whose container has too little memory is killed by the kernel, and the run says so."""

from __future__ import annotations

import pytest

from tests import hostile
from tests.checkout import Checkout

GREEDY = """
import time
from locust import HttpUser, constant, events, task

began = time.monotonic()

class Greedy(HttpUser):
    wait_time = constant(0.1)

    @task
    def visit(self):
        self.client.get("/", timeout=5)
        if self.environment.runner.worker_index == 0 and time.monotonic() - began > 5:
            self.kept = b"x" * 2**30
"""


@pytest.mark.long
@pytest.mark.usefixtures("engine")
def test_a_worker_that_is_killed_for_memory_is_recognized(checkout: Checkout) -> None:
    """The container of the worker starts again, and does not know what happened."""
    locustfile = checkout.folder / "greedy.py"
    locustfile.write_text(GREEDY)
    with hostile.serving(address="0.0.0.0") as api:  # noqa: S104 - containers reach no other address
        done = checkout.rig(
            "headless",
            *("RUNTIME=compose", f"LOCUSTFILE={locustfile}", f"HOST=http://localhost:{api.port}"),
            *("USERS=4", "SPAWN_RATE=4", "RUN_TIME=25s", "WORKERS=2", "WORKER_MEMORY=256m"),
        )
    assert "for lack of memory" in done.stdout, done.stdout
    events = [event["name"] for event in checkout.latest_run()["events"]]
    assert {"worker_lost", "out_of_memory"} <= {*events}

"""A cluster that is up takes another locustfile; RATE sets its requests per second."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import Checkout

BROWSING = """
from locust import HttpUser, SequentialTaskSet, constant, task

class Visit(SequentialTaskSet):
    wait_time = constant(30)

    @task
    def read(self):
        for page in (1, 2, 3):
            self.client.get(f"/products/?page={page}", name="/products/")

class Visitor(HttpUser):
    tasks = [Visit]
"""

HEALTH = """
from locust import FastHttpUser, tag, task

class Prober(FastHttpUser):
    @tag("alive")
    @task
    def probe(self):
        self.client.get("/health")
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's tmp_path: the user of the containers could not get through to it.
    with tempfile.TemporaryDirectory(prefix="stampede-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        (folder / "browsing.py").write_text(BROWSING)
        (folder / "health.py").write_text(HEALTH)
        yield folder


@pytest.mark.long
@pytest.mark.parametrize("runtime", [pytest.param("compose", marks=pytest.mark.long), "local"])
def test_a_cluster_that_is_up_takes_another_locustfile(
    request: pytest.FixtureRequest, checkout: Checkout, folder: Path, runtime: str
) -> None:
    """Its tasks send three requests each, and have no wait that counts: RATE is of requests."""
    if runtime == "compose":
        request.getfixturevalue("engine")
    checkout.bring_up(runtime, 2)
    load = (f"RUNTIME={runtime}", "USERS=10", "SPAWN_RATE=10", "RUN_TIME=8s", "RATE=30")
    for name, route in (("browsing.py", "/products/"), ("health.py", "/health")):
        tags = ("TAGS=alive",) if name == "health.py" else ()
        done = checkout.rig("headless", f"LOCUSTFILE={folder / name}", *load, *tags)
        assert done.returncode in (0, 12), done.stdout  # 12: the machine was too busy
        assert f"master and workers start again with LOCUSTFILE={folder / name}" in done.stdout
        run = checkout.latest_run()
        assert set(run["outcomes"]) == {f"GET {route}"}
        assert run["pace"]["wanted_rps"] == 30
        assert run["pace"]["sent_rps"] == pytest.approx(30, rel=0.2)
        assert run["workers"] == 2
    (folder / "health.py").write_text(HEALTH.replace("/health", "/openapi.json"))
    done = checkout.rig("headless", *load)
    assert "The locustfile has changed since the cluster loaded it." in done.stdout
    assert set(checkout.latest_run()["outcomes"]) == {"GET /openapi.json"}

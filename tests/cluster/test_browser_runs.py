"""Runs that are started in the browser are runs: they reach results/, and are not deleted unasked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.checkout import Checkout, wait_until
from tests.cluster.test_leftovers import processes_of

FORM = "user_count=2&spawn_rate=2"


@pytest.fixture(scope="module", params=[pytest.param("local", marks=pytest.mark.long), "compose"])
def cluster(request: pytest.FixtureRequest, checkout: Checkout) -> Iterator[Checkout]:
    """One that is up. As root, the results of containers belong to a user whose number has no name."""
    runtime = str(request.param)
    if runtime == "compose":
        request.getfixturevalue("engine")
        if os.geteuid() == 0:
            results = checkout.folder / "results"
            shutil.rmtree(results)  # the runs of `local` are root's
            results.mkdir()
            os.chown(results, 12345, 12345)
    checkout.used.add(runtime)
    checkout.bring_up(runtime, 1)
    yield checkout
    checkout.make("reset", f"RUNTIME={runtime}", "FORCE=1")


@pytest.fixture
def runtime(request: pytest.FixtureRequest) -> str:
    """The runtime of the cluster."""
    return str(request.node.callspec.params["cluster"])


def unfinished(cluster: Checkout) -> list[str]:
    """The ids of the runs that have not reached results/."""
    return [folder.name for folder in cluster.folder.glob("results/.unfinished/*/*")]


def start(cluster: Checkout, length: str) -> str:
    """A run from the form; returns its id when its users are there."""
    assert cluster.post("/swarm", f"{FORM}&run_time={length}")["success"]
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "window", "all its users")
    return str(cluster.get("/stampede/run")["id"])


def kill(cluster: Checkout, runtime: str) -> None:
    """End the master at once, and what would start it again."""
    if runtime == "compose":
        assert cluster.run("docker", "compose", "kill", "master").returncode == 0
        return
    keepers = [process for process in processes_of(cluster.folder) if "circus.circusd" in process.cmdline()]
    masters = [
        process
        for process in processes_of(cluster.folder)
        if any(word.endswith("master/locust.conf") for word in process.cmdline())
    ]
    for process in (*keepers, *masters):
        process.kill()
    psutil.wait_procs(keepers, timeout=10)


def test_a_run_reaches_results_when_it_ends(cluster: Checkout) -> None:
    """Not before; as the newest; whole, and the property of whom results/ belongs to."""
    results = cluster.folder / "results"
    run_id = start(cluster, "4s")
    assert unfinished(cluster) == [run_id]
    assert not (results / run_id).exists()
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "its end")
    assert unfinished(cluster) == []
    assert (results / "latest").readlink() == Path(run_id)
    assert cluster.latest_run()["id"] == run_id
    left = [results / "latest", results / run_id, *(results / run_id).iterdir()]
    assert {path.lstat().st_uid for path in left} == {results.stat().st_uid}

    report = cluster.rig("report")
    assert f"/results/{run_id}/report.html" in report.stdout
    compared = cluster.rig("compare", run_id, "latest")
    assert compared.returncode == 0, compared.stdout
    assert compared.stdout.startswith(f"A  {run_id}")


def test_a_run_that_is_in_progress_is_not_lost_with_the_cluster(cluster: Checkout, runtime: str) -> None:
    """`make reset` ends it first. Nothing would be lost, so nothing is asked."""
    run_id = start(cluster, "5m")
    done = cluster.run("sh", "-c", f"make reset RUNTIME={runtime} </dev/null")
    assert done.returncode == 0, done.stdout
    assert cluster.latest_run()["id"] == run_id
    cluster.bring_up(runtime, 1)


@pytest.mark.long
def test_the_only_copy_of_a_run_is_not_deleted_unasked(cluster: Checkout, runtime: str) -> None:
    """The master was killed. `make down` keeps the run, the next start judges it, FORCE=1 deletes it."""
    run_id = start(cluster, "5m")
    kill(cluster, runtime)
    refused = cluster.run("sh", "-c", f"make reset RUNTIME={runtime} </dev/null")
    assert refused.returncode == 2, refused.stdout
    assert f"stampede: reset would delete the only copy of {run_id}: " in refused.stdout
    assert cluster.make("down", f"RUNTIME={runtime}").returncode == 0
    assert unfinished(cluster) == [run_id]

    cluster.bring_up(runtime, 1)
    assert unfinished(cluster) == []
    assert cluster.latest_run()["interrupted"] is True

    lost = start(cluster, "5m")
    kill(cluster, runtime)
    forced = cluster.run("sh", "-c", f"make reset RUNTIME={runtime} FORCE=1 </dev/null")
    assert forced.returncode == 0, forced.stdout
    assert unfinished(cluster) == []
    assert cluster.latest_run()["id"] == run_id
    assert not (cluster.folder / "results" / lost).exists()

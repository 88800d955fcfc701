"""`docker compose` by itself, without the rig: up, scale, down; and how the containers really run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.checkout import Checkout, wait_until
from tests.cluster.test_leftovers import containers_of
from tests.unit.test_compose import COMPOSE

SERVICES = {"postgres", "api", "master", "worker"}
NO_CAPABILITIES = "0000000000000000"
BEGINS_WITH = {"CHOWN", "KILL", "SETUID", "SETGID", "SETPCAP"}


def workers_joined(checkout: Checkout) -> int | None:
    """What the master counts; None while it does not answer."""
    try:
        return int(checkout.get("/worker-count")["worker_count"])
    except OSError:
        return None


def has_catalogue(checkout: Checkout) -> bool:
    """Whether the API answers with a product; the engine accepts connections before the API does."""
    try:
        return checkout.api_status("/products/1") == 200
    except OSError:
        return False


def compose(checkout: Checkout, *arguments: str) -> str:
    """What `docker compose …` prints, which must succeed.

    Some engines keep a network until they are restarted, whose containers they have removed.
    """
    done = checkout.run("docker", "compose", *arguments)
    assert done.returncode == 0 or "has active endpoints" in done.stdout, done.stdout[-500:]
    return done.stdout


def containers(checkout: Checkout, *services: str) -> set[str]:
    """The ids of the containers that run, of all services or of some."""
    return set(compose(checkout, "ps", "--quiet", *services).split())


def inspect(checkout: Checkout) -> list[tuple[str, dict[str, Any]]]:
    """Service and `docker inspect` of every container that runs."""
    done = checkout.run("docker", "inspect", *containers(checkout))
    found: list[dict[str, Any]] = json.loads(done.stdout)
    named = [(each["Config"]["Labels"]["com.docker.compose.service"], each) for each in found]
    assert {service for service, _ in named} == SERVICES
    return named


@pytest.fixture(scope="module")
def plain(engine: None, checkout: Checkout) -> Iterator[Checkout]:  # noqa: ARG001  (skips without one)
    """A cluster that was brought up by `docker compose up` alone, with three workers.

    Its checkout is not root's, and results/ is missing: the engine makes it.
    """
    checkout.used.add("compose")
    shutil.rmtree(checkout.folder / "results")
    if os.geteuid() == 0:
        os.chown(checkout.folder / "load_tests", 12345, 12345)
    compose(checkout, "up", "--detach", "--scale", "worker=3")
    wait_until(lambda: workers_joined(checkout) == 3, "three workers have joined")
    yield checkout
    compose(checkout, "down")


def test_it_serves(plain: Checkout) -> None:
    """Without the rig the same ports answer: the UI, and the API with its seeded catalogue."""
    assert workers_joined(plain) == 3
    wait_until(lambda: has_catalogue(plain), "the API has its catalogue")


def test_it_is_hardened(plain: Checkout) -> None:
    """Every container: writes to /tmp and volumes only, no privileges, no root, limited memory.

    The master's begins as root, to become the owner of results/ before Python starts.
    """
    for service, container in inspect(plain):
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        added = {name.removeprefix("CAP_") for name in host["CapAdd"] or []}
        assert added == (BEGINS_WITH if service == "master" else set()), service
        assert not host["Privileged"], service
        assert "no-new-privileges:true" in host["SecurityOpt"], service
        assert host["Memory"] > 0, service
        assert host["PidsLimit"] > 0, service
        user = container["Config"]["User"]
        assert user == "0:0" if service == "master" else user not in ("", "root", "0"), service


def test_its_processes_are_as_powerless_as_inspect_says(plain: Checkout) -> None:
    """The kernel's own word on what runs in each container: no root, no capability, and never one.

    Of the first process, which starts it; of the master's the next, which is Locust, as owner of results/.
    """
    results = (plain.folder / "results").stat()
    for service, container in inspect(plain):
        show = ["cat", "/proc/1/status"]
        if service == "master":
            show = ["sh", "-c", "grep -lzx 'locus[t]' /proc/[0-9]*/cmdline | cut -d/ -f3"]
            (pid, *_) = plain.run("docker", "exec", container["Id"], *show).stdout.split()
            show = ["cat", f"/proc/{pid}/status"]
        status = plain.run("docker", "exec", container["Id"], *show).stdout
        of = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        if service == "master":
            assert {*of["Uid"].split()} == {str(results.st_uid)}
        assert "0" not in of["Uid"].split(), service
        assert "0" not in of["Gid"].split(), service
        assert {of["CapPrm"], of["CapEff"], of["CapBnd"]} == {NO_CAPABILITIES}, service
        assert of["NoNewPrivs"] == "1", service


START_THREADS = """
import threading
threading.stack_size(65536)
started, is_over = 0, threading.Event()
try:
    while started < 4096:
        threading.Thread(target=is_over.wait).start()
        started += 1
except RuntimeError:
    pass
is_over.set()
print(started)
"""


def test_a_worker_cannot_take_all_threads_of_the_machine(plain: Checkout) -> None:
    """The kernel refuses more than its limit; the worker stays."""
    limit = COMPOSE["services"]["worker"]["deploy"]["resources"]["limits"]["pids"]
    worker = next(container for service, container in inspect(plain) if service == "worker")
    done = plain.run("docker", "exec", worker["Id"], "python", "-c", START_THREADS)
    assert limit - 200 < int(done.stdout) < limit
    assert workers_joined(plain) == 3


def test_nothing_is_written_beside_tmp(plain: Checkout) -> None:
    """The code cannot be changed from inside, not by the mounts either."""
    for service, container in inspect(plain):
        code = "/postgres" if service == "postgres" else "/app/load_tests" if service != "api" else "/app"
        done = plain.run("docker", "exec", container["Id"], "touch", f"{code}/mark")
        assert done.returncode != 0, service
        assert "Read-only file system" in done.stdout, service


def test_it_is_published_on_this_machine_only(plain: Checkout) -> None:
    """The UI and the API on 127.0.0.1, at the ports the variables say; PostgreSQL and workers not at all."""
    published: dict[str, set[tuple[str, int]]] = {service: set() for service in SERVICES}
    for service, container in inspect(plain):
        for bindings in container["NetworkSettings"]["Ports"].values():
            published[service] |= {(each["HostIp"], int(each["HostPort"])) for each in bindings or []}
    assert published == {
        "postgres": set(),
        "api": {("127.0.0.1", plain.api_port)},
        "master": {("127.0.0.1", plain.ui_port)},
        "worker": set(),
    }


def test_its_results_belong_to_the_owner_of_the_checkout(plain: Checkout) -> None:
    """Those of a run from the form, when it has ended."""
    assert plain.post("/swarm", "user_count=2&spawn_rate=2&run_time=2s")["success"]
    wait_until(lambda: plain.get("/stampede/run")["phase"] == "done", "its end")
    results = plain.folder / "results"
    left = [results, *results.rglob("*")]
    assert {path.name for path in left} >= {"latest", "run.json", "report.html"}
    assert {path.lstat().st_uid for path in left} == {(plain.folder / "load_tests").stat().st_uid}


def test_scale_leaves_the_workers_that_are_there(plain: Checkout) -> None:
    """`docker compose scale worker=5` adds two; all that were there are the same containers."""
    before, workers = containers(plain), containers(plain, "worker")
    assert len(workers) == 3
    compose(plain, "scale", "worker=5")
    wait_until(lambda: workers_joined(plain) == 5, "five workers have joined")
    assert before <= containers(plain)
    assert len(containers(plain, "worker") - workers) == 2


def test_down_leaves_nothing(plain: Checkout) -> None:
    """`docker compose down` ends every container and closes the ports."""
    assert containers(plain)
    compose(plain, "down")
    assert containers_of(plain) == []
    assert workers_joined(plain) is None

"""What the API tells of how busy it is, and of what its processes use together."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

import cgroup
from stampede.sampling.gauges import Gauges
from tests.checkout import wait_until
from tests.integration.databases import TestDatabase
from tests.integration.servers import Api
from tests.integration.test_overload import ORDER, busy, small_api  # noqa: F401
from tests.integration.test_server import children
from tests.metrics import read


def told(api: Api) -> Gauges:
    return read(api.request("GET", "/metrics").body).gauges


def test_requests_at_work_and_waiting_are_told(small_api: Api, database: TestDatabase) -> None:  # noqa: F811
    """And the connections they have; the probe that asks is none of them."""
    seen = threading.Event()

    def ask_until_seen() -> None:
        while not seen.is_set():
            small_api.request("POST", "/orders/", ORDER)

    with busy(small_api, database), ThreadPoolExecutor(20) as pool:
        wait_until(lambda: told(small_api)["http_requests_in_flight"] == 2, "both are seen")
        wait_until(lambda: told(small_api)["database_connections_in_use"] == 2, "their connections are")
        assert told(small_api)["database_connections"] == 3
        waiting = [pool.submit(ask_until_seen) for _ in range(20)]
        try:
            wait_until(lambda: told(small_api)["http_requests_waiting"] > 10, "the others are seen")
        finally:
            seen.set()
        for request in waiting:
            request.result()
    for name in ("http_requests_in_flight", "http_requests_waiting", "database_connections_in_use"):
        wait_until(lambda name=name: told(small_api)[name] == 0, "all is done")  # type: ignore[misc]


def test_who_finds_no_connection_free_has_waited(
    start_api: Callable[..., Api], database: TestDatabase
) -> None:
    """A role that may have two connections leaves the pool one, beside the keeper's."""
    ((limit,),) = database.query("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'api'")
    database.query("ALTER ROLE api CONNECTION LIMIT 2")
    try:
        api = start_api(database.url(), API_THREADS="4")
        with ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda _: api.request("GET", "/summary"), range(40)):
                assert answer.status == 200
        wait_until(lambda: told(api)["database_connection_waits_total"] > 0, "the waits are told")
    finally:
        database.query(f"ALTER ROLE api CONNECTION LIMIT {limit}")


@pytest.fixture
def two_processes(start_api: Callable[..., Api], database: TestDatabase) -> Api:
    return start_api(database.url(), API_PROCESSES="2")


def cpu_seconds(*processes: psutil.Process) -> float:
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def test_usage_is_that_of_all_processes(two_processes: Api) -> None:
    """As the system itself adds it up."""
    parent = psutil.Process(two_processes.process.pid)
    everybody = [parent, *parent.children()]
    found = told(two_processes)
    assert found["process_cpu_seconds_total"] == pytest.approx(cpu_seconds(*everybody), abs=0.5)
    size = sum(each.memory_info().rss for each in everybody)
    assert found["process_resident_memory_bytes"] == pytest.approx(size, rel=0.2)
    text = two_processes.request("GET", "/metrics").body.decode()
    assert read(text).machine == cgroup.boot_id()


def test_a_process_that_ends_keeps_its_cpu_and_gives_back_its_connections(two_processes: Api) -> None:
    """Another takes its place: there are no more connections than before, and no less CPU was used."""
    wait_until(lambda: told(two_processes).get("database_connections") == 18, "both have begun")
    parent = psutil.Process(two_processes.process.pid)
    ended, _ = children(parent.pid)
    while cpu_seconds(psutil.Process(ended)) < 0.5:
        two_processes.request("GET", "/products/?per_page=100")
    os.kill(ended, signal.SIGKILL)
    wait_until(lambda: ended not in children(parent.pid), "it has ended")
    two_processes.wait_until_it_answers()
    wait_until(lambda: told(two_processes).get("database_connections") == 18, "another has begun")
    alive = cpu_seconds(parent, *parent.children())
    assert told(two_processes)["process_cpu_seconds_total"] >= alive + 0.4

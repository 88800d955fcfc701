"""`python run_api.py` as a process: how it starts, what it logs, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from postgres import embedded
from tests.checkout import wait_until
from tests.integration.databases import TestDatabase, execute, folder_for_postgres
from tests.integration.servers import ROOT, Api

ODD_CHARACTERS = "p@ss/w%25rd:#?"


def run_api(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Until it ends by itself."""
    return subprocess.run(
        [sys.executable, "run_api.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("API_PORT", "http"),
        ("API_PORT", "70000"),
        ("API_PROCESSES", "0"),
        ("API_PROCESSES", "-1"),
        ("API_THREADS", "many"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgresql://api@/stampede?no_such_option=1"),
        ("DATABASE_URL", "postgresql://[api"),
        ("DATABASE_PASSWORD_FILE", "/no/such/file"),
        ("API_HOST", "no.such.host.invalid"),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(key: str, value: str) -> None:
    """And 2, before anything is started."""
    environment = {"DATABASE_URL": "postgresql://api@/stampede?host=/nowhere", "API_PORT": "18998"} | {
        key: value
    }
    done = run_api(**environment)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert key in done.stderr


def test_a_port_in_use_is_one_line(database: TestDatabase) -> None:
    """It names the port and what to do, and ends with 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_api("--port", port, DATABASE_URL=database.url())
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert port in done.stderr
    assert "--port" in done.stderr


@pytest.fixture(scope="module")
def listening_server() -> Iterator[embedded.Server]:
    """On a port, where passwords are asked for; the API's holds what means something in a URL."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with folder_for_postgres() as folder, embedded.running(folder, port=port) as server:
        execute(server.url("postgres"), "ALTER ROLE api PASSWORD %s", ODD_CHARACTERS)
        yield server


@pytest.mark.parametrize("way", ["PGPASSWORD", "DATABASE_PASSWORD_FILE", "DATABASE_URL"])
def test_any_password_will_do(
    start_api: Callable[..., Api], listening_server: embedded.Server, tmp_path: Path, way: str
) -> None:
    """Beside a URL without one, from a file, or quoted in the URL."""
    address = f"127.0.0.1:{listening_server.port}/{embedded.DATABASE}"
    file = tmp_path / "password"
    file.write_text(ODD_CHARACTERS + "\n")
    match way:
        case "PGPASSWORD":
            api = start_api(f"postgresql://api@{address}", PGPASSWORD=ODD_CHARACTERS)
        case "DATABASE_PASSWORD_FILE":
            api = start_api(f"postgresql://api@{address}", DATABASE_PASSWORD_FILE=str(file))
        case _:
            api = start_api(f"postgresql://api:{quote(ODD_CHARACTERS, safe='')}@{address}")
    assert api.request("GET", "/products/5").status == 200


def test_sigterm_finishes_the_requests_in_hand(api: Api, query: Callable[..., list[Any]]) -> None:
    """Four orders are being placed when the signal comes: all are answered, then it ends with 0."""
    query(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(2); RETURN NEW; END'"
    )
    query("CREATE TRIGGER linger BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION linger()")
    query("GRANT EXECUTE ON FUNCTION linger TO api")
    at_work = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    )
    connections = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'stampede-api'"
    )
    wait_until(lambda: query(connections) == [(10,)], "one for each thread, the probes' and the keeper's")
    with ThreadPoolExecutor(4) as pool:
        # Bulk calls, which may take ten seconds: a single order is given up after a second and a half.
        bulks = [{"orders": [{"product_id": product_id, "quantity": 1}]} for product_id in range(1, 5)]
        placing = [pool.submit(api.request, "POST", "/orders/bulk", bulk) for bulk in bulks]
        while query(at_work) != [(4,)]:
            assert not any(request.done() for request in placing)
        assert api.stop() == 0
    assert [request.result().json["success_count"] for request in placing] == [1] * 4


def test_a_process_that_dies_is_replaced_and_its_requests_stay_counted(
    start_api: Callable[..., Api], database: TestDatabase
) -> None:
    """What was counted is what was sent, whoever counted it."""
    api = start_api(database.url(), API_PROCESSES="1")
    for _ in range(5):
        api.request("GET", "/products/5")
    (worker,) = children(api.process.pid)
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not set(children(api.process.pid)) - {worker}:
        assert time.monotonic() < deadline
    api.wait_until_it_answers()
    api.request("GET", "/products/5")
    metrics = api.request("GET", "/metrics").body.decode()
    assert 'http_requests_total{method="GET",route="/products/{id}",status="200"} 6.0' in metrics


def children(process: int) -> list[int]:
    """Those that are servers, not multiprocessing's own."""
    found = []
    for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_a_body_without_a_length_is_read_to_its_end_and_no_further(api: Api) -> None:
    """Chunked: taken if it is small, 413 if it is not."""
    for filler, status in ((b"", b"201"), (b" " * 1024 * 1024, b"413")):
        body = b'{"product_id": 5, "quantity": 1}' + filler
        with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
            connection.sendall(
                b"POST /orders/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            )
            assert connection.recv(64).split()[1] == status


def test_requests_are_not_logged_and_faults_are(
    start_api: Callable[..., Api], database: TestDatabase, tmp_path: Path
) -> None:
    """A fault is one line of JSON with the id that the answer carries."""
    database.query("DROP FUNCTION recent_orders CASCADE")
    log = tmp_path / "log"
    api = start_api(database.url(), log)
    assert api.request("GET", "/products/5").status == 200
    answer = api.request("GET", "/orders/recent")
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "recent_orders" not in answer.json["detail"]
    faults = [json.loads(line) for line in log.read_text().splitlines() if '"level": "error"' in line]
    assert [(fault["request_id"], fault["request"]) for fault in faults] == [
        (answer.headers["x-request-id"], "GET /orders/recent")
    ]
    assert "UndefinedFunction" in faults[0]["traceback"]
    assert "/products/5" not in log.read_text()

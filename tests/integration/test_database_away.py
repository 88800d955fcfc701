"""The database is gone, frozen, restarted, or another one: the API says so at once, and recovers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from api.connection import SCHEMA_VERSION
from api.db import Database, DatabaseUnavailableError
from postgres import embedded
from tests.integration.databases import TestDatabase, execute, folder_for_postgres
from tests.integration.servers import ROOT, Answer, Api
from tests.integration.test_server import children

PATIENCE = 15.0
#: Seconds until it serves again what the database is there for again.
RECOVERY = 5.0
A_COMMIT_THAT_TAKES_A_MINUTE = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
    GRANT EXECUTE ON FUNCTION linger TO api;
    CREATE CONSTRAINT TRIGGER linger AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION linger();
"""
A_VERSION_THAT_TAKES_A_MINUTE = """
    CREATE OR REPLACE FUNCTION read_schema_version() RETURNS integer LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$
"""
A_VERSION = f"FUNCTION read_schema_version() RETURNS integer RETURN {SCHEMA_VERSION}"
AN_ORDER = ("POST", "/orders/", {"product_id": 5, "quantity": 1})
REQUESTS = [
    ("GET", "/products/5", None),
    ("GET", "/products/", None),
    ("GET", "/summary", None),
    AN_ORDER,
    ("POST", "/orders/bulk", {"orders": [{"product_id": 5, "quantity": 1}]}),
]


@pytest.fixture(scope="module")
def own_server() -> Iterator[embedded.Server]:
    """A server to be ill-treated; nobody else uses it."""
    with folder_for_postgres() as folder, embedded.running(folder) as server:
        yield server


@pytest.fixture
def own_api(own_server: embedded.Server, start_api: Callable[..., Api]) -> Api:
    return start_api(own_server.url("api"))


@contextmanager
def frozen(server: embedded.Server) -> Iterator[None]:
    """As `docker pause` does it. The postmaster first: then there is nobody who starts another."""
    assert server.process is not None
    stopped: list[int] = []

    def stop(process: int) -> None:
        os.kill(process, signal.SIGSTOP)
        stopped.append(process)

    try:
        stop(server.process.pid)
        for child in children(server.process.pid):
            stop(child)
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


def timed(call: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.monotonic()
    return call(), time.monotonic() - began


def check_unavailable(api: Api, within: float = 2.0) -> None:
    """Forty requests at once, many more than threads: each is refused in time."""
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda request: timed(lambda: api.request(*request)), REQUESTS * 8))
    for answer, seconds in answers:
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert answer.json["code"] == "database_unavailable"
        assert seconds < within
    health, seconds = timed(lambda: api.request("GET", "/health"))
    assert (health.status, health.json["status"], health.json["database"]["connected"]) == (
        503,
        "unhealthy",
        False,
    )
    assert seconds < 1


def wait_until_healthy(api: Api) -> None:
    deadline = time.monotonic() + RECOVERY
    while api.request("GET", "/health").status != 200:
        assert time.monotonic() < deadline
    for method, path, body in REQUESTS:
        assert api.request(method, path, body).status in (200, 201)


def test_a_database_that_is_gone_is_503_until_it_is_back(own_server: embedded.Server, own_api: Api) -> None:
    """Stopped and started again: nobody restarts the API."""
    wait_until_healthy(own_api)
    own_server.stop()
    check_unavailable(own_api)
    assert own_api.request("GET", "/").status == 200
    own_server.start()
    wait_until_healthy(own_api)


def test_a_database_that_is_killed_is_back_within_five_seconds(
    own_server: embedded.Server, own_api: Api
) -> None:
    """In the middle of orders: each is placed or 503, none hangs, and every connection is a new one."""
    wait_until_healthy(own_api)
    stop = threading.Event()

    def place_orders() -> list[tuple[Answer, float]]:
        answers = []
        while not stop.is_set():
            answers.append(timed(lambda: own_api.request(*AN_ORDER)))
        return answers

    with ThreadPoolExecutor(4) as pool:
        placing = [pool.submit(place_orders) for _ in range(4)]
        try:
            before = backends_of(own_server)
            kill(own_server)
            check_unavailable(own_api)
            own_server.start()
            wait_until_healthy(own_api)
            assert not backends_of(own_server) & before
        finally:
            stop.set()
        answers = [answer for orders in placing for answer in orders.result()]
    assert {answer.status for answer, _ in answers} == {201, 503}
    assert max(seconds for _, seconds in answers) < 2


def kill(server: embedded.Server) -> None:
    """An immediate shutdown: no good-bye to anyone, and a recovery at the next start."""
    assert server.process is not None
    server.process.send_signal(signal.SIGQUIT)
    server.process.wait()


def backends_of(server: embedded.Server) -> set[int]:
    """Of the API."""
    rows = execute(
        server.url("postgres"), "SELECT pid FROM pg_stat_activity WHERE application_name = 'stampede-api'"
    )
    return {pid for (pid,) in rows}


def test_connections_used_up_by_somebody_else(own_server: embedded.Server, own_api: Api) -> None:
    """Those it holds it keeps and serves with. Robbed of them too it says 503, until there are some again."""
    wait_until_healthy(own_api)
    with ExitStack() as hogged:
        hog(own_server, hogged)
        assert {own_api.request("GET", "/products/5").status for _ in range(20)} == {200}
        while not is_robbed(own_server):
            execute(
                own_server.url("postgres"),
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'stampede-api'",
            )
            hog(own_server, hogged)
        check_unavailable(own_api)
    wait_until_healthy(own_api)


def is_robbed(server: embedded.Server) -> bool:
    """Whether the auditor has all connections that anyone but a superuser may have."""
    ((has_all,),) = execute(
        server.url("postgres"),
        "SELECT count(*) = current_setting('max_connections')::integer "
        "- current_setting('superuser_reserved_connections')::integer "
        "FROM pg_stat_activity WHERE usename = 'auditor'",
    )
    return bool(has_all)


def hog(server: embedded.Server, hogged: ExitStack) -> None:
    """All connections that are free, which nobody but a superuser gets then."""
    with suppress(psycopg2.OperationalError):
        while True:
            hogged.enter_context(closing(psycopg2.connect(server.url("auditor"))))


def test_a_frozen_database_is_503_until_it_thaws(own_server: embedded.Server, own_api: Api) -> None:
    """No socket breaks and nothing answers: the worst case."""
    wait_until_healthy(own_api)
    with frozen(own_server):
        check_unavailable(own_api)
        check_unavailable(own_api)
    wait_until_healthy(own_api)


def test_health_is_told_within_a_second_of_the_freeze(own_server: embedded.Server, own_api: Api) -> None:
    """Asked at that very moment, before anyone else noticed. Thrice at most: the machine may freeze too."""
    assert any(seconds_until_told(own_server, own_api) < 1 for _ in range(3))
    wait_until_healthy(own_api)


def seconds_until_told(server: embedded.Server, api: Api) -> float:
    wait_until_healthy(api)
    with frozen(server):
        health, seconds = timed(lambda: api.request("GET", "/health"))
    assert health.status == 503
    return seconds


def test_an_api_that_was_frozen_itself_refuses_nobody(own_api: Api) -> None:
    """It heard no sign of life because it could not listen: all who ask as it thaws are served."""
    wait_until_healthy(own_api)
    for _ in range(3):
        (process,) = children(own_api.process.pid)
        with ThreadPoolExecutor(8) as pool:
            os.kill(process, signal.SIGSTOP)
            try:
                asking = [pool.submit(own_api.request, "GET", "/products/5") for _ in range(8)]
                time.sleep(2)  # longer than its database may be silent
            finally:
                os.kill(process, signal.SIGCONT)
            assert [request.result().status for request in asking] == [200] * 8


def test_one_frozen_connection_harms_one_request(own_server: embedded.Server, own_api: Api) -> None:
    """It is refused within two seconds, its connection replaced, the others served."""
    for _ in range(10):
        wait_until_healthy(own_api)
        answers = ask_with_one_frozen(own_server, own_api)
        assert sum(answer.status != 200 for answer, _ in answers) <= 1
        slow = [(answer.status, seconds) for answer, seconds in answers if seconds > 1]
        if len(slow) == 1:  # else it was the keeper's, or the machine stood still
            break
    ((status, seconds),) = slow
    assert status == 503
    assert seconds < 2


def ask_with_one_frozen(server: embedded.Server, api: Api) -> list[tuple[Answer, float]]:
    """While the connection that was used last is."""
    ((backend,),) = execute(
        server.url("postgres"),
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'stampede-api' "
        "ORDER BY state_change DESC LIMIT 1",
    )
    os.kill(backend, signal.SIGSTOP)
    try:
        return [timed(lambda: api.request("GET", "/products/5")) for _ in range(40)]
    finally:
        os.kill(backend, signal.SIGCONT)


def test_a_commit_whose_answer_is_lost_is_503(own_server: embedded.Server, own_api: Api) -> None:
    """The order may stand: anything but 503 would be a lie, a refusal most of all."""
    wait_until_healthy(own_api)
    administration = own_server.url("postgres")
    execute(administration, A_COMMIT_THAT_TAKES_A_MINUTE)
    answer, seconds = timed(lambda: own_api.request("POST", "/orders/", {"product_id": 5, "quantity": 1}))
    assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
    assert seconds < 2
    execute(administration, "DROP FUNCTION linger CASCADE")


def test_an_api_may_start_before_its_database(
    own_server: embedded.Server, start_api: Callable[..., Api]
) -> None:
    """It answers 503 until there is one."""
    own_server.stop()
    api = start_api(own_server.url("api"))
    check_unavailable(api)
    own_server.start()
    wait_until_healthy(api)


def test_another_schema_version_is_not_served(database: TestDatabase) -> None:
    """One line that says what to do, and 2."""
    database.query("UPDATE schema_version SET version = 7")
    done = run_api(database.url())
    assert done.returncode == 2
    assert done.stderr == (
        f"api: the database has schema version 7, this API needs {SCHEMA_VERSION}: "
        "run `make reset`, or postgres/init.sql on an empty database\n"
    )


def test_an_empty_database_is_not_served(postgres_server: embedded.Server) -> None:
    """The same for a database init.sql has not seen."""
    done = run_api(postgres_server.url("postgres", "postgres"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "schema version none" in done.stderr


def test_a_version_that_changes_under_the_api_is_503(
    own_server: embedded.Server, start_api: Callable[..., Api]
) -> None:
    """Found when the database comes back: served only if it is the right one."""
    api = start_api(own_server.url("api"))
    wait_until_healthy(api)
    execute(own_server.url("postgres"), "UPDATE schema_version SET version = 7")
    own_server.stop()
    own_server.start()
    deadline = time.monotonic() + 2  # the right version would be served by then
    while time.monotonic() < deadline:
        assert api.request("GET", "/health").status == 503
    check_unavailable(api)
    execute(own_server.url("postgres"), "UPDATE schema_version SET version = %s", SCHEMA_VERSION)
    wait_until_healthy(api)


def test_processes_share_the_connections_there_are(
    start_api: Callable[..., Api], database: TestDatabase, tmp_path: Path
) -> None:
    """Two that want ten each, and nine to be had: nobody is refused, and each process says so once."""
    database.query(f"ALTER DATABASE {database.name} CONNECTION LIMIT 9")
    log = tmp_path / "log"
    api = start_api(database.url(), log, API_PROCESSES="2", API_THREADS="8")
    deadline = time.monotonic() + 5  # more than it takes to have all there are
    with ThreadPoolExecutor(20) as pool:
        while time.monotonic() < deadline:
            answers = list(pool.map(lambda _: api.request("GET", "/products/5").status, range(60)))
            assert answers == [200] * 60
    messages = [json.loads(line)["message"] for line in log.read_text().splitlines()]
    assert not [message for message in messages if "does not answer" in message]
    assert 1 <= len([message for message in messages if "lacks" in message]) <= 2


def test_an_api_that_wants_all_connections_leaves_the_auditor_some(
    own_server: embedded.Server, start_api: Callable[..., Api], tmp_path: Path
) -> None:
    """Two processes of 64 threads, and a hundred connections: it serves with what it gets."""
    log = tmp_path / "log"
    api = start_api(own_server.url("api"), log, API_PROCESSES="2", API_THREADS="64")
    wait_until(lambda: log.read_text().count("lacks") == 2)
    assert execute(own_server.url("auditor"), "SELECT count(*) FROM products") != []
    wait_until_healthy(api)


def test_connections_are_opened_when_there_are_some_again(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Short of them it goes on with what it has, and says so once however often it tries."""
    monkeypatch.setattr("api.db.SHORTAGE_SECONDS", 0)
    database.query(f"ALTER DATABASE {database.name} CONNECTION LIMIT 3")
    connections = Database(database.url(), size=4)
    connections.start()
    try:
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            assert connections.call("read_schema_version") == [(SCHEMA_VERSION,)]
        assert connections_to(database) == 3
        assert [record.message.partition(":")[0] for record in caplog.records] == [
            "the pool lacks 2 of 4 connections"
        ]
        database.query(f"ALTER DATABASE {database.name} CONNECTION LIMIT -1")
        wait_until(lambda: connections_to(database) == 5)
    finally:
        connections.stop()


def connections_to(database: TestDatabase) -> int:
    counted: int = database.query(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'stampede-api'"
    )[0][0]
    return counted


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline


def test_a_database_that_freezes_at_the_first_question_holds_nobody(database: TestDatabase) -> None:
    """Connected, and then no answer to what its version is: it is away until it is asked again."""
    database.query(A_VERSION_THAT_TAKES_A_MINUTE)
    connections = Database(database.url(), size=1)
    starting = threading.Thread(target=connections.start)
    starting.start()
    while not (asked := asking(database)):
        assert starting.is_alive()
    os.kill(asked[0], signal.SIGSTOP)
    try:
        starting.join(PATIENCE)
        assert not starting.is_alive()
        database.query(f"CREATE OR REPLACE {A_VERSION}")
        wait_until(lambda: can_call(connections))
    finally:
        os.kill(asked[0], signal.SIGCONT)
        starting.join()
        connections.stop()


def asking(database: TestDatabase) -> list[int]:
    """The backends of the API that are at work."""
    rows = database.query(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'stampede-api' AND state = 'active'"
    )
    return [pid for (pid,) in rows]


def can_call(connections: Database) -> bool:
    try:
        return connections.call("read_schema_version") == [(SCHEMA_VERSION,)]
    except DatabaseUnavailableError:
        return False


def run_api(database_url: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DATABASE_URL": database_url, "API_PORT": "18999"}
    return subprocess.run(
        [sys.executable, "run_api.py"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

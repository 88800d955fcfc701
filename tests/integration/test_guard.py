"""A real master lets nobody in who should not be, and sends users nowhere that nobody has allowed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import pytest

from stampede.rig.master import Master as RigsMaster
from stampede.rig.master import MasterGoneError
from stampede.webui import connections
from tests.checkout import wait_until
from tests.integration.speaking import speaking

PASSWORD = {"UI_USER": "ada", "UI_PASSWORD": "lovelace"}
BROWSER = {"Accept": "text/html"}
LOCUSTFILE = """
from locust import HttpUser, task

class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/")
"""
TARGET = "http://127.0.0.1:9"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


class MasterProcess:
    """`python -m stampede locust --master` as a child."""

    def __init__(self, folder: Path, *options: str, locustfile: str = "", **environment: str) -> None:
        self.locustfile = folder / "visitor.py"
        self.locustfile.write_text(LOCUSTFILE + locustfile)
        with socket.create_server(("127.0.0.1", 0)) as ui, socket.create_server(("127.0.0.1", 0)) as bind:
            self.port, self.bind_port = ui.getsockname()[1], bind.getsockname()[1]
        ports = ["--web-port", str(self.port), "--master-bind-port", str(self.bind_port)]
        unset = ("UI_BIND", "UI_USER", "UI_PASSWORD", "UI_PASSWORD_FILE", "ALLOW_TARGETS", "STAMPEDE_ALLOWED")
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        self.key_folder = folder / "key"
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "stampede", "locust", "--master", "-f", str(self.locustfile)),
                *("--host", TARGET, "--stampede-results", str(folder), *ports, *options),
            ],
            env=inherited | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; a str is sent as a form, all else as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        kind = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
        sent = body if isinstance(body, str | None) else json.dumps(body)
        given = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            connection.request(method, path, sent, given)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            self.ask("HEAD", "/login")
        except OSError:
            assert self.process.poll() is None, self.process.communicate()[1]
            return False
        return True


@contextmanager
def running(folder: Path, *options: str, locustfile: str = "", **environment: str) -> Iterator[MasterProcess]:
    master = MasterProcess(folder, *options, locustfile=locustfile, **environment)
    try:
        wait_until(master.answers, "the master answers")
        yield master
    finally:
        master.process.terminate()
        master.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def open_master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasterProcess]:
    """One as `make up` starts it: on this machine, without a password."""
    folder = tmp_path_factory.mktemp("open")
    since = {"STAMPEDE_ALLOWED": str(folder / "allowed"), "ALLOW_TARGETS": "staging.test"}
    with running(folder, "--web-host", "127.0.0.1", **since) as master:
        yield master


@pytest.fixture
def locked_master(tmp_path: Path) -> Iterator[MasterProcess]:
    """One with a password; its own for each test, as it remembers who has guessed."""
    key = {"STAMPEDE_OWNER_KEY": str(tmp_path / "owner-key")}
    with running(tmp_path, "--web-host", "127.0.0.1", **PASSWORD, **key) as master:
        yield master


def cookie_of(answer: Answer) -> str:
    return answer.headers["Set-Cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def locked_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasterProcess]:
    """One with a password, for tests that try no wrong one."""
    with running(tmp_path_factory.mktemp("locked"), "--web-host", "127.0.0.1", **PASSWORD) as master:
        yield master


def log_in(master: MasterProcess, password: str = PASSWORD["UI_PASSWORD"], **headers: str) -> Answer:
    return master.ask("POST", "/stampede/login", f"username=ada&password={password}", **headers)


def session_of(master: MasterProcess) -> dict[str, str]:
    """The two headers of a session."""
    answer = log_in(master)
    return {"Cookie": cookie_of(answer), "Stampede_Key": answer.headers["Stampede-Key"]}


# Whom users are sent to.


def form(host: str) -> str:
    return urlencode({"user_count": 1, "spawn_rate": 1, "host": host})


def test_the_form_sends_users_to_the_clusters_target_only(open_master: MasterProcess) -> None:
    """Locust's page shows the line that says what to do; what it was told before stays."""
    answer = open_master.ask("POST", "/swarm", form("http://stranger.test"))
    told = json.loads(answer.body)
    assert not told["success"]
    assert "ALLOW_TARGETS=http://stranger.test" in told["message"]
    assert "stranger.test" not in open_master.ask("GET", "/").body


def test_a_run_is_started_at_the_forms_own_address_only(open_master: MasterProcess) -> None:
    """A profile that is sent to what merely ends like it meets no route."""
    assert open_master.ask("POST", "/elsewhere/swarm", "profile=smoke").status == 404


def test_a_run_is_refused_for_a_target_nobody_has_allowed(open_master: MasterProcess) -> None:
    answer = open_master.ask("POST", "/stampede/run", {"profile": "smoke", "host": "http://stranger.test"})
    assert answer.status == 409
    assert "stranger.test is not an allowed target" in json.loads(answer.body)["message"]


def test_a_kind_of_user_is_given_no_other_host(open_master: MasterProcess) -> None:
    """Locust's dialog for kinds of user could name one, past the form."""
    answer = open_master.ask("POST", "/user", {"user_class_name": "Visitor", "host": "http://stranger.test"})
    assert answer.status == 409


def test_a_kind_of_user_is_given_no_proxy(open_master: MasterProcess) -> None:
    """It would get the whole load, whatever the host."""
    answer = open_master.ask("POST", "/user", {"user_class_name": "Visitor", "proxy_host": "stranger.test"})
    assert answer.status == 409
    assert "a proxy cannot be set here" in answer.body


@pytest.mark.parametrize("host", [TARGET, "http://staging.test:9"])
def test_the_own_target_and_a_listed_one_pass_the_guard(open_master: MasterProcess, host: str) -> None:
    """They get as far as to the question whether anybody answers there."""
    answer = open_master.ask("POST", "/stampede/run", {"profile": "smoke", "host": host})
    assert "does not answer the cluster" in json.loads(answer.body)["message"]


def test_localhost_in_the_form_is_the_machine_of_the_user(tmp_path: Path) -> None:
    """Also where the master is in a container. Which targets are allowed does not change."""
    known = {"STAMPEDE_LOCALHOST": "machine.invalid", "ALLOW_TARGETS": "http://localhost:9001"}
    with running(tmp_path, "--web-host", "127.0.0.1", **known) as master:

        def message(host: str) -> str:
            answer = master.ask("POST", "/swarm", form(host) + "&profile=smoke")
            return str(json.loads(answer.body)["message"])

        assert "http://machine.invalid:9001 does not answer the cluster" in message("http://localhost:9001")
        assert message("http://localhost:9002").startswith("http://localhost:9002 is not an allowed target")


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [("localhost", "http://localhost:9000"), ("localhost:9001", "http://localhost:9001")],
)
def test_a_host_without_a_scheme_is_refused(open_master: MasterProcess, typed: str, proposed: str) -> None:
    answer = json.loads(open_master.ask("POST", "/swarm", form(typed)).body)
    assert answer["message"] == f"HOST must be a URL, got '{typed}': use {proposed}"


def test_what_the_rig_allows_later_is_allowed(open_master: MasterProcess, tmp_path_factory: Any) -> None:
    """`make headless HOST=…` on a cluster that is up."""
    wanted = {"profile": "smoke", "host": "http://127.0.0.2:9"}
    assert "not an allowed target" in open_master.ask("POST", "/stampede/run", wanted).body
    (tmp_path_factory.getbasetemp() / "open0" / "allowed").write_text("http://127.0.0.2:9\n")
    assert "does not answer" in open_master.ask("POST", "/stampede/run", wanted).body


def test_a_target_where_nothing_listens_is_named(open_master: MasterProcess) -> None:
    """A port mistyped."""
    answer = open_master.ask("POST", "/stampede/run", {"profile": "smoke", "host": TARGET})
    assert answer.status == 409
    assert f"{TARGET} does not answer the cluster" in json.loads(answer.body)["message"]


def test_a_target_that_speaks_no_http_is_left_to_its_users(
    open_master: MasterProcess, tmp_path_factory: Any
) -> None:
    """They may speak what it speaks; here only the worker is missing."""
    with speaking("SSH-2.0-OpenSSH") as url:
        (tmp_path_factory.getbasetemp() / "open0" / "allowed").write_text(f"{url}\n")
        answer = open_master.ask("POST", "/stampede/run", {"profile": "smoke", "host": url})
    assert answer.status == 409
    assert "no worker has joined yet" in json.loads(answer.body)["message"]


# Pages of other sites.


@pytest.mark.parametrize("path", ["/swarm", "/stop", "/stats/reset", "/user", "/stampede/run"])
@pytest.mark.parametrize(
    "header",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},  # another port of this machine
        {"Origin": "http://stranger.test"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    open_master: MasterProcess, path: str, header: dict[str, str]
) -> None:
    answer = open_master.ask("POST", path, form(TARGET), **header)
    assert answer.status == 403
    assert "a page of another site" in answer.body


@pytest.mark.parametrize("header", [{}, {"Sec_Fetch_Site": "same-origin"}, {"Origin": "itself"}])
def test_the_own_page_and_programs_are_heard(open_master: MasterProcess, header: dict[str, str]) -> None:
    own = {name: value.replace("itself", open_master.url) for name, value in header.items()}
    assert open_master.ask("POST", "/stats/reset", **own).status == 200


def test_a_page_of_another_site_reads_nothing(open_master: MasterProcess) -> None:
    """Stock Locust lets every page read every answer; and no page shows ours in a frame of its own."""
    answer = open_master.ask("GET", "/stats/requests", Origin="http://stranger.test")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8089", 200),
        ("127.0.0.1", 200),
        ("[::1]:8089", 200),
        ("ui.localhost", 200),
        ("stranger.test:8089", 403),
        ("localhost.stranger.test", 403),
        ("", 403),
    ],
)
def test_a_strangers_name_that_leads_here_opens_nothing(
    open_master: MasterProcess, host: str, status: int
) -> None:
    """DNS rebinding: to the browser it is the stranger's own page that asks."""
    assert open_master.ask("GET", "/stats/requests", Host=host).status == status


# Publishing, and logging in.


@pytest.mark.parametrize(
    ("options", "environment", "complaint"),
    [
        (["--web-host", "127.0.0.1"], {"UI_BIND": "0.0.0.0"}, "UI_BIND=0.0.0.0 publishes the UI"),  # noqa: S104
        ([], {}, "publishes the UI beyond this machine: set UI_USER and UI_PASSWORD"),
        ([], {"UI_USER": "ada"}, "belong together"),
        ([], {"UI_USER": "ada", "UI_PASSWORD_FILE": "/nowhere"}, "UI_PASSWORD_FILE cannot be read"),
        ([], {**PASSWORD, "ALLOW_TARGETS": "*"}, "ALLOW_TARGETS must be hosts"),
        ([], {**PASSWORD, "STAMPEDE_KEEP_RESULTS": "all"}, "KEEP_RESULTS must be a whole number over 0"),
    ],
)
def test_what_is_not_safe_does_not_start(
    tmp_path: Path, options: list[str], environment: dict[str, str], complaint: str
) -> None:
    master = MasterProcess(tmp_path, *options, **environment)
    _, said = master.process.communicate(timeout=60)
    assert master.process.returncode == 2
    assert said.splitlines()[-1].startswith("stampede: ")
    assert complaint in said.splitlines()[-1]


def test_without_a_session_there_is_nothing_but_the_page_to_log_in(locked_once: MasterProcess) -> None:
    """Browsers are led to it, programs told; what is no route is not told from what is one."""
    for path in ("/", "/stats/requests", "/stampede/run", "/worker-count", "/logs", "/no-such-page"):
        assert locked_once.ask("GET", path).status == 401
        led = locked_once.ask("GET", path, **BROWSER)
        assert (led.status, led.headers["Location"]) == (303, "/login")
    for path in ("/swarm", "/stop", "/stampede/run", "/user"):
        assert locked_once.ask("POST", path, {}).status == 401
    assert locked_once.ask("GET", "/login").status == 200


def test_a_page_whose_session_has_ended_is_told_so(locked_once: MasterProcess) -> None:
    """As after `make restart`. It asks for figures, which it does not get, and shows the state."""
    told = locked_once.ask("GET", "/stats/requests", Referer=f"{locked_once.url}/")
    figures = json.loads(told.body)
    assert told.status == 203
    assert figures.pop("state") == "logged out: reload this page"
    assert {"stats", "errors", "user_count"} <= figures.keys(), "the page looks for them"
    assert not any(figures.values())


def test_what_lies_in_results_keeps_no_master_from_starting(tmp_path: Path) -> None:
    """A run.json that is none is logged, and the rest goes on."""
    for odd in (tmp_path / "odd", tmp_path / ".unfinished" / "standalone" / "odd"):
        odd.mkdir(parents=True)
        (odd / "run.json").write_text("[]")
    with running(tmp_path, "--web-host", "127.0.0.1", **PASSWORD) as master:
        assert master.ask("GET", "/").status == 401
        state = master.ask("GET", "/stampede/run", **session_of(master)).body
        assert json.loads(state)["in_progress"] is False


def test_who_knows_the_password_has_a_session(locked_master: MasterProcess) -> None:
    """Its cookie is of no use to scripts and other sites; a wrong password gives none that opens anything."""
    wrong = log_in(locked_master, "byron", **BROWSER)
    assert wrong.headers["Location"] == "/login"
    refused = locked_master.ask("GET", "/login", Cookie=cookie_of(wrong), **BROWSER)
    assert "Username or password is wrong." in refused.body
    assert locked_master.ask("GET", "/", Cookie=cookie_of(wrong)).status == 401

    right = log_in(locked_master)
    assert right.status == 204
    assert "HttpOnly" in right.headers["Set-Cookie"]
    assert "SameSite=Strict" in right.headers["Set-Cookie"]
    key = right.headers["Stampede-Key"]
    polled = locked_master.ask("GET", "/stats/requests", Cookie=cookie_of(right), Stampede_Key=key)
    assert polled.status == 200
    assert cookie_of(polled).startswith("session="), "who watches a run for twelve hours is not logged out"


def test_a_login_changes_the_session(locked_master: MasterProcess) -> None:
    """A cookie that somebody else has planted is worth nothing after it, nor is what was in it."""
    planted = cookie_of(log_in(locked_master, "byron", **BROWSER))
    ours = log_in(locked_master, Cookie=planted)
    assert cookie_of(ours) != planted
    shown = locked_master.ask("GET", "/login", Cookie=cookie_of(ours), **BROWSER)
    assert "is wrong" not in shown.body
    assert log_in(locked_master).headers["Stampede-Key"] != ours.headers["Stampede-Key"]
    key = ours.headers["Stampede-Key"]
    assert locked_master.ask("GET", "/logs", Cookie=planted, Stampede_Key=key).status == 401


def test_the_cookie_alone_opens_nothing(locked_once: MasterProcess) -> None:
    """A browser sends it to each port of the host, so the API under test has it too."""
    own, other = session_of(locked_once), session_of(locked_once)
    for path in (
        "/",
        "/stats/requests",
        "/logs",
        "/stampede/run",
        "/stampede/reports",
        "/stats/requests/csv",
    ):
        assert locked_once.ask("GET", path, Cookie=own["Cookie"]).status == 401
        mixed = {"Cookie": own["Cookie"], "Stampede_Key": other["Stampede_Key"]}
        assert locked_once.ask("GET", path, **mixed).status == 401
        assert locked_once.ask("GET", path, **own).status == 200
        gate = locked_once.ask("GET", path, Cookie=own["Cookie"], **BROWSER)
        assert "data-gate" in gate.body
        assert own["Stampede_Key"] not in gate.body
    for path in ("/swarm", "/stop", "/stampede/run", "/user", "/stampede/ticket"):
        assert locked_once.ask("POST", path, {}, Cookie=own["Cookie"]).status == 401


def test_a_ticket_opens_one_address_once(locked_once: MasterProcess) -> None:
    """For its own session only."""
    own, other = session_of(locked_once), session_of(locked_once)

    def ticket() -> str:
        return str(json.loads(locked_once.ask("POST", "/stampede/ticket", **own).body)["ticket"])

    address = f"/stats/requests/csv?ticket={ticket()}"
    assert locked_once.ask("GET", address, Cookie=own["Cookie"]).status == 200
    assert locked_once.ask("GET", address, Cookie=own["Cookie"]).status == 401
    stolen = f"/stats/requests/csv?ticket={ticket()}"
    assert locked_once.ask("GET", stolen, Cookie=other["Cookie"]).status == 401
    assert locked_once.ask("GET", stolen, Cookie=own["Cookie"]).status == 401


def test_guesses_are_slow_and_lock_nobody_out(locked_master: MasterProcess) -> None:
    """The right password is checked after a wait, also at the address of the guesses. They are logged."""
    with ThreadPoolExecutor(20) as pool:
        guesses = list(pool.map(lambda number: log_in(locked_master, f"p{number}"), range(40)))
    assert [guess.status for guess in guesses].count(401) <= 8
    waiting = next(guess for guess in guesses if guess.status == 429)
    assert 1 <= int(waiting.headers["Retry-After"]) <= 12
    wait_until(lambda: log_in(locked_master).status == 204, "the right password is checked")
    locked_master.process.terminate()
    said = locked_master.process.communicate(timeout=30)[1]
    lines = [line for line in said.splitlines() if "a login from 127.0.0.1 failed" in line]
    assert len(lines) == [guess.status for guess in guesses].count(401)
    assert re.match(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", lines[0])


def test_the_rig_needs_no_password(locked_master: MasterProcess, tmp_path: Path) -> None:
    """It has the owner's key, which nobody else on the machine can read; guesses do not hold it up."""
    file = tmp_path / "owner-key"
    assert file.stat().st_mode & 0o777 == 0o600
    for number in range(6):
        log_in(locked_master, f"p{number}")
    master = RigsMaster(locked_master.url, file.read_text)
    assert master.run()["in_progress"] is False
    link = master.login_link().removeprefix(locked_master.url)
    led = locked_master.ask("GET", link, **BROWSER)
    assert led.headers["Location"].startswith("/#key=")
    assert locked_master.ask("GET", link).status == 401, "the link is valid once"
    with pytest.raises(MasterGoneError, match="answered 401"):
        RigsMaster(locked_master.url, lambda: "wrong").run()


def test_before_the_login_it_is_not_told_which_targets_are_allowed(locked_once: MasterProcess) -> None:
    for host in (TARGET, "http://stranger.test"):
        for path, body in (("/swarm", form(host)), ("/stampede/run", {"profile": "smoke", "host": host})):
            answer = locked_once.ask("POST", path, body)
            assert (answer.status, "target" in answer.body) == (401, False)


def test_one_address_cannot_take_all_connections(open_master: MasterProcess) -> None:
    """Others are still answered, and so is that address when it has closed its connections."""
    address = ("127.0.0.1", open_master.port)
    with contextlib.ExitStack() as idle:
        for _ in range(connections.MOST_OF_ADDRESS):
            idle.enter_context(socket.create_connection(address, source_address=("127.0.0.2", 0)))
        with socket.create_connection(address, timeout=20, source_address=("127.0.0.2", 0)) as refused:
            assert refused.recv(100).startswith(b"HTTP/1.1 503 ")
        assert open_master.ask("HEAD", "/login").status < 500

    def is_heard() -> bool:
        with socket.create_connection(address, timeout=20, source_address=("127.0.0.2", 0)) as again:
            again.sendall(b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            return not again.recv(100).startswith(b"HTTP/1.1 503 ")

    wait_until(is_heard, "the address may connect again")


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_a_long_body_is_not_read(
    locked_once: MasterProcess, open_master: MasterProcess, kind: str, is_chunked: bool
) -> None:
    """With a login and without, whatever its type is: the connection is closed."""
    for path in ("/user", "/stampede/run", "/swarm", "/stampede/login", "/", "/no-such"):
        for master in (locked_once, open_master):
            sent, status = send_long_body(master.port, path, kind, is_chunked)
            assert not status.startswith(b"3")
            assert sent < 20, f"{sent} MB were taken by {path}, which answered {status!r}"


def send_long_body(port: int, path: str, kind: str, is_chunked: bool) -> tuple[int, bytes]:
    """Send up to 50 MB. Return how many were sent, and the status of the response; empty where it is lost."""
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {50 << 20}"
    block = b"a" * (1 << 20)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()
        )
        sent = 0
        try:
            while sent < 50:
                client.sendall(b"100000\r\n" + block + b"\r\n" if is_chunked else block)
                sent += 1
        except OSError:
            pass
        try:
            return sent, client.recv(64).split(b" ")[1]
        except (OSError, IndexError):
            return sent, b""


@pytest.mark.parametrize(("path", "status"), [("/stampede/run", 422), ("/user", 500)])
def test_deep_json_is_refused(open_master: MasterProcess, path: str, status: int) -> None:
    """Our own route says what it wants; Locust's has no answer, and goes on."""
    deep = b"[" * 60_000
    connection = http.client.HTTPConnection("127.0.0.1", open_master.port, timeout=20)
    connection.request("POST", path, deep, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == status
    assert b"Traceback" not in answer.read()
    connection.close()


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    """As Docker's secrets do; the end of its line is no part of it. Then the UI may be there for all."""
    (tmp_path / "secret").write_text("löve lace\n")
    secret = {"UI_USER": "ada", "UI_PASSWORD_FILE": str(tmp_path / "secret")}
    with running(tmp_path, "--web-host", "127.0.0.1", UI_BIND="0.0.0.0", **secret) as master:  # noqa: S104
        assert master.ask("GET", "/", Host="stranger.test").status == 401
        assert log_in(master, quote("löve lace")).status == 204


# Redirects.


class Redirecting(BaseHTTPRequestHandler):
    """`/to?URL` redirects there; everything else is fine."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        there = self.path.partition("?")[2]
        self.send_response(302 if there else 200)
        if there:
            self.send_header("Location", there)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def redirecting() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Redirecting,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield server
        finally:
            server.shutdown()


VISIT = """
import sys
import locust.main
from locust import FastHttpUser, HttpUser
from locust.env import Environment
from stampede.cluster import patches
from stampede.cluster.allowed_targets import AllowedTargets

host, *paths = sys.argv[1:]
patches.refuse_redirects_off_target(AllowedTargets("127.0.0.3", lambda: [host]))
for kind in (HttpUser, FastHttpUser):
    user = type("Visitor", (kind,), {"host": host})(Environment())
    for path in paths:
        answer = user.client.get(path)
        try:
            answer.raise_for_status()
            print(kind.__name__, answer.status_code)
        except Exception as error:
            print(kind.__name__, error)
    print(kind.__name__, user.client.get(paths[-1], allow_redirects=False).status_code)
"""


def test_redirects_to_other_hosts_are_not_followed() -> None:
    """By either of Locust's clients: the request fails and says why; who asks for no redirects gets it as it
    is. On the same host, and to a listed one, it goes on."""
    with redirecting() as target, redirecting() as stranger:
        port, other = target.server_address[1], stranger.server_address[1]
        paths = ["/to?/fine", f"/to?http://127.0.0.1:{port}/to?/fine", f"/to?http://localhost:{other}/there"]
        host = f"http://127.0.0.1:{port}"
        done = subprocess.run(
            [sys.executable, "-c", VISIT, host, *paths], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        said = done.stdout.splitlines()
        refused = f"a redirect to http://localhost:{other} is not followed: it is not in ALLOW_TARGETS"
        assert [line.split(" ", 1)[1] for line in said[:2]] == ["200", "200"]
        assert refused in said[2]
        assert said[3] == "HttpUser 302"
        assert [line.split(" ", 1)[1] for line in said[4:6]] == ["200", "200"]
        assert refused in said[6]
        assert said[7] == "FastHttpUser 302"
        assert stranger.RequestHandlerClass.seen == []  # type: ignore[attr-defined]

"""`python3 -m stampede try`: real locustfiles in real processes, against a real server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

USERS = """
import os
from locust import FastHttpUser, HttpUser, LoadTestShape, SequentialTaskSet, TaskSet, User, events, task
from locust.exception import RescheduleTask, StopTest, StopUser


@events.test_start.add_listener
def prepare(environment, **_):
    print("prepared with", environment.parsed_options.num_users)


class Visitor(HttpUser):
    def wait_time(self):
        return 3600

    def on_start(self):
        self.client.post("/login", json={"token": os.environ["TOKEN"]})

    @task(5)
    def browse(self):
        self.client.get("/items/17", name="/items/{id}")

    @task
    def look(self):
        self.client.get("/missing")

    @task
    def read(self):
        self.client.get("/items").json()["nothing"]

    @task
    class Forum(SequentialTaskSet):
        @task
        def enter(self):
            self.client.get("/forum")

        @task
        class Thread(TaskSet):
            @task
            def post(self):
                with self.client.post("/echo", data=os.environ["TOKEN"], catch_response=True) as answer:
                    answer.failure("not what I wanted")

        @task
        def leave(self):
            self.interrupt()

        @task
        def never(self):
            pass

    def on_stop(self):
        self.client.get("/logout")


class Fast(FastHttpUser):
    @task
    def forgotten(self):
        self.client.get("/items", catch_response=True)

    @task
    def stop(self):
        raise StopTest

    @task
    def stop_user(self):
        raise StopUser

    @task
    def quit(self):
        self.environment.runner.quit()

    @task
    def again(self):
        raise RescheduleTask


def work(user):
    user.environment.events.request.fire(
        request_type="QUEUE", name="publish", response_time=5, response_length=1, exception=None
    )


class Broker(User):
    tasks = {work: 3}


class Steps(LoadTestShape):
    def tick(self):
        return None
"""

PRINTED = """\
Trying users.py at http://HOST: each task once
The shape Steps is ignored
prepared with 1

Visitor.on_start
  POST /login  200  TIME
    {"path": "/login"}

Visitor.browse
  GET /items/{id}  (/items/17)  200  TIME
    {"path": "/items/17"}

Visitor.look
  GET /missing  404  TIME
    failed: 404 Client Error: Not Found for url: /missing
    {"path": "/missing"}

Visitor.read
  GET /items  200  TIME
    {"path": "/items"}
  exception at users.py:29 in read: KeyError: 'nothing'

Visitor.Forum.enter
  GET /forum  200  TIME
    {"path": "/forum"}

Visitor.Forum.Thread.post
  POST /echo  200  TIME
    failed: not what I wanted
    ***

Visitor.Forum.leave
  interrupt(): in a run, the user leaves the task set here

Visitor.Forum
  the rest of the sequence Visitor.Forum is not run: never

Visitor.on_stop
  GET /logout  200  TIME
    {"path": "/logout"}

Fast.forgotten
  GET /items  sent with catch_response=True and never reported (no `with`, or its block raised)

Fast.stop
  StopTest: in a run, the whole run stops here

Fast.stop_user
  StopUser: in a run, the user ends here

Fast.quit
  runner.quit() at users.py:71: in a run, the whole run stops here

Fast.again
  RescheduleTask: in a run, another task is next

Broker.work
  QUEUE publish  TIME

12 tasks, 8 requests, 2 failed, 1 exception, 1 never reported
"""

ONE = "from locust import HttpUser, task\nclass Visitor(HttpUser):\n    @task\n    def look(self):\n        "


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        match self.path:
            case "/closed":
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
            case "/garbage":
                self.wfile.write(b"\x00\xff no HTTP\r\n\r\n")
                self.close_connection = True
            case "/big":
                self._answer(b"line\n" * 2_000_000)
            case "/slow":
                self.server.is_over.wait()  # type: ignore[attr-defined]
            case _:
                self._answer(f'{{"path": "{self.path}"}}'.encode(), 404 if self.path == "/missing" else 200)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(sent if self.path == "/echo" else f'{{"path": "{self.path}"}}'.encode())

    def _answer(self, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """A server that answers most paths, and a few in hostile ways."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.is_over = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.is_over.set()  # type: ignore[attr-defined]
        server.shutdown()


def command(*settings: str) -> list[str]:
    return [sys.executable, "-m", "stampede", "try", "RUNTIME=local", *settings]


def tried(*settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*settings), cwd=ROOT, capture_output=True, text=True, timeout=120)


@contextmanager
def started(*settings: str) -> Iterator[subprocess.Popen[str]]:
    """Start a trial whose stdout is read here."""
    with subprocess.Popen(
        command(*settings), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def plain(printed: str, host: str) -> str:
    """Return what was printed without what differs from run to run."""
    return re.sub(r"  [\d.,]+ m?s$", "  TIME", printed.replace(host, "http://HOST"), flags=re.MULTILINE)


def test_each_task_runs_once_and_each_request_is_printed(tmp_path: Path, host: str) -> None:
    """Without a wait, whatever ends a task, and without a secret."""
    (tmp_path / "users.py").write_text(USERS)
    (tmp_path / "env").write_text("TOKEN=s3cr3t-value\n")
    done = tried(f"LOCUSTFILE={tmp_path}/users.py", f"HOST={host}", f"ENV_FILE={tmp_path}/env")
    assert plain(done.stdout, host) == PRINTED
    assert (done.returncode, done.stderr) == (10, "")


def test_what_a_hostile_server_sends_is_printed_in_a_few_lines(tmp_path: Path, host: str) -> None:
    """A task that gets no answer is ended after ten seconds; the next one runs."""
    paths = 'for path in ("/closed", "/garbage", "/big", "/slow"): self.client.get(path)'
    after = "    @task\n    def after(self):\n        self.client.get('/after')\n"
    (tmp_path / "users.py").write_text(f"{ONE}{paths}\n{after}")
    done = tried(f"LOCUSTFILE={tmp_path}/users.py", f"HOST={host}")
    assert (done.returncode, done.stderr) == (10, "")
    printed = plain(done.stdout, host)
    assert "GET /closed  no answer  TIME\n    failed: RemoteDisconnected(" in printed
    assert "GET /garbage  no answer  TIME\n    failed: BadStatusLine('\\x00" in printed
    assert "    … 10,000,000 bytes in all" in printed
    assert (
        "GET /slow  TIME\n    failed: no answer when its task was ended\n  not finished after 10 s" in printed
    )
    assert (
        'GET /after  200  TIME\n    {"path": "/after"}\n\n2 tasks, 5 requests, 3 failed, 1 not finished'
        in printed
    )
    assert len(printed) < 2000


def test_a_locustfile_without_a_fault_exits_with_zero(tmp_path: Path, host: str) -> None:
    """Its tags and its own arguments are those of the settings."""
    text = (
        "from locust import HttpUser, events, tag, task\n"
        "@events.init_command_line_parser.add_listener\n"
        "def add(parser):\n    parser.add_argument('--wallet')\n"
        "class Other(HttpUser):\n    @task\n    def other(self): 1 / 0\n"
        "class Visitor(HttpUser):\n"
        "    @task\n    def skipped(self): 1 / 0\n"
        "    @tag('read')\n    @task\n"
        "    def look(self): self.client.get('/' + self.environment.parsed_options.wallet)\n"
    )
    (tmp_path / "users.py").write_text(text)
    settings = (f"LOCUSTFILE={tmp_path}/users.py", f"HOST={host}", "SCENARIO=Visitor", "TAGS=read")
    done = tried(*settings, "LOCUST_ARGS=--wallet 7")
    assert (done.returncode, done.stderr) == (0, "")
    assert "GET /7  200" in done.stdout
    assert done.stdout.endswith("\n1 task, 1 request, 0 failed\n")


def test_test_functions_are_tried_too(host: str) -> None:
    done = tried("LOCUSTFILE=tests/cases/inputs/19-pytest-style/test_shop.py", f"HOST={host}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\ntest_list\n  GET /list  200" in done.stdout


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("def f(:", ["HOST={host}"], "SyntaxError: invalid syntax (users.py, line 1)"),
        ("import nothing_of_that_name", ["HOST={host}"], "No module named 'nothing_of_that_name' ("),
        ("import sys; sys.exit('no wallet')", ["HOST={host}"], "the locustfile ends the process: no wallet"),
        (f"{ONE}pass", [], "there is no host to send requests to: set HOST=http://…"),
        (f"{ONE}pass", ["HOST=http://127.0.0.1:1"], "http://127.0.0.1:1 does not answer: start it"),
        (f"{ONE}pass", ["HOST={host}", "SCENARIO=Nobody"], "there is no scenario 'Nobody'"),
        (f"{ONE}pass", ["HOST={host}", "LOCUST_ARGS=--users 3"], "--users is an option of Locust"),
        (f"{ONE}pass", ["HOST={host}", "NONSENSE=1"], "there is no setting 'NONSENSE'"),
        ("", ["HOST={host}", "LOCUSTFILE=missing.py"], "LOCUSTFILE: 'missing.py' does not exist"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exits_with_two(
    tmp_path: Path, host: str, text: str, settings: list[str], message: str
) -> None:
    (tmp_path / "users.py").write_text(text)
    done = tried(f"LOCUSTFILE={tmp_path}/users.py", *(setting.format(host=host) for setting in settings))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("stampede: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "loop", ["self.client.get('/slow')", pytest.param("while True: pass", marks=pytest.mark.long)]
)
def test_ctrl_c_ends_it_with_130(tmp_path: Path, host: str, loop: str) -> None:
    (tmp_path / "users.py").write_text(f"{ONE}{loop}")
    with started(f"LOCUSTFILE={tmp_path}/users.py", f"HOST={host}") as process:
        assert process.stdout
        while "Visitor.look" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (130, "\nstampede: interrupted\n")


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path, host: str) -> None:
    """As with `| head -1`."""
    (tmp_path / "users.py").write_text(f"{ONE}[self.client.get('/big') for _ in range(3)]")
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as gone:  # noqa: PTH123  (it is a number)
        done = subprocess.run(
            command(f"LOCUSTFILE={tmp_path}/users.py", f"HOST={host}"),
            cwd=ROOT,
            stdout=gone,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert (done.returncode, done.stderr) == (0, "")

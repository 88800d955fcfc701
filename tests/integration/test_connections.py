"""A web server with the master's limits cuts off slow clients. Its time-outs are short here."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from stampede.webui import connections
from tests.checkout import ROOT, wait_until

SERVER = """
from gevent import monkey; monkey.patch_all()
from types import SimpleNamespace
from flask import Flask, request
from gevent.pywsgi import WSGIServer
from stampede.webui import bodies, connections

connections.HEAD_TIMEOUT = connections.BLOCK_TIMEOUT = 1.0
connections.MOST = 20
connections.limit()
app = Flask("slow")
bodies.add(SimpleNamespace(app=app))
app.post("/", endpoint="sized")(lambda: str(len(request.get_data())))
app.get("/large", endpoint="large")(lambda: bytes(50_000_000))
server = WSGIServer(("127.0.0.1", 0), app, log=None)
server.start()
print(server.server_port, flush=True)
server.serve_forever()
"""


@dataclass
class Server:
    process: subprocess.Popen[str]
    log: Path
    port: int


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-c", SERVER]
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=file, text=True) as process,
    ):
        assert process.stdout
        yield Server(process, log, int(process.stdout.readline()))
        process.terminate()


def answer(port: int, first: bytes, drip: bytes = b"") -> bytes:
    """The answer to bytes that are sent at once, and others that follow slowly until the server is done."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(first)
        client.settimeout(0.05 if drip else 20)
        deadline = time.monotonic() + 20
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    return client.recv(1000)
                client.sendall(drip)
            pytest.fail("the server still waits")
    return b""


@pytest.mark.parametrize(
    ("first", "drip", "expected"),
    [
        pytest.param(b"", b"", b"", id="nothing"),
        pytest.param(b"GET / HT", b"", b"", id="half a line"),
        pytest.param(b"GET /", b"x", b"", id="a slow line"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"X: y\r\n", b"400", id="a slow head"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", b"", b"400", id="half a body"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", b"", b"200", id="a whole request"),
    ],
)
def test_a_slow_client_is_cut_off(server: Server, first: bytes, drip: bytes, expected: bytes) -> None:
    assert answer(server.port, first, drip)[9:12] == expected
    assert "Traceback" not in server.log.read_text()


def test_a_client_that_does_not_read_is_cut_off(server: Server) -> None:
    """Its answer is longer than what the kernel keeps for it."""
    served = psutil.Process(server.process.pid)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        assert client.recv(9) == b"HTTP/1.1 "
        wait_until(lambda: not established(served), "the server has closed the connection")
    assert "Traceback" not in server.log.read_text()


def established(process: psutil.Process) -> bool:
    return any(each.status == psutil.CONN_ESTABLISHED for each in process.net_connections("tcp"))


def test_all_addresses_together_have_a_limit(server: Server) -> None:
    with contextlib.ExitStack() as idle:
        for number in range(20):
            source = (f"127.0.0.{number + 2}", 0)
            idle.enter_context(socket.create_connection(("127.0.0.1", server.port), source_address=source))
        assert answer(server.port, b"") == connections.REFUSED

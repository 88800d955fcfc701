"""How many instructions of Python an order of the shop's users needs, next to a request of stock Locust's.

Their number is the same in each run and on each machine, unlike time. It does not show what the kernel and
compiled code need: docs/performance.md has the CPU time.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.checkout import ROOT

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + b'{"id":17}'

MOST = 0.65
"""The largest share of FastHttpUser's instructions. It was 0.53 when this was written, and without the engine
and the ledger 0.28."""

COUNT = """
import sys
from gevent import monkey; monkey.patch_all()
import locust.main
from locust import events
from locust.env import Environment

host, requests = sys.argv[1], 50
environment = Environment(events=events)

def instructions_of(act):
    count = 0

    def trace(frame, event, _):
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    for _ in range(requests):  # connects, and fills caches
        act()
    sys.settrace(trace)
    for _ in range(requests):
        act()
    sys.settrace(None)
    return count // requests
"""

OURS = """
import stampede.hooks  # counts outcomes and times
from load_tests.users import ShopUser
from stampede.counting.ledger import Ledger

environment.create_local_runner()
environment.stampede_ledger = ledger = Ledger()
user = type("Visitor", (ShopUser,), {"host": host})(environment)
print(instructions_of(lambda: user.shop.place_order(17, 2)))
assert len(ledger._settled) == 2 * requests, "each order is in the ledger"
"""

STOCK = """
from locust import FastHttpUser

environment.create_local_runner()
user = type("Visitor", (FastHttpUser,), {"host": host})(environment)

def place_order():
    order, headers = {"product_id": 17, "quantity": 2}, {"Idempotency-Key": "1"}
    with user.client.post("/orders/", json=order, headers=headers, catch_response=True) as response:
        if response.status_code != 201:
            response.failure(f"POST /orders/: {response.status_code}")
        assert response.json()["id"] == 17

print(instructions_of(place_order))
"""


@pytest.fixture
def host() -> Iterator[str]:
    """The address of a server that has the same answer to everything."""

    def answer(connection: socket.socket) -> None:
        with connection:
            while connection.recv(65_536):
                connection.sendall(ANSWER)

    def serve() -> None:
        for _ in programs:
            answer(server.accept()[0])

    programs = (OURS, STOCK)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        serving = threading.Thread(target=serve)
        serving.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        serving.join()


def instructions(program: str, host: str) -> int:
    """Return how many instructions of Python a request needs."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT + program, host], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_an_order_needs_fewer_instructions_than_a_request_of_stock_locust(host: str) -> None:
    """With all that Stampede does for it: outcomes, times and the ledger."""
    ours, stock = instructions(OURS, host), instructions(STOCK, host)
    assert ours <= MOST * stock, f"{ours} instructions, and {stock} of FastHttpUser"

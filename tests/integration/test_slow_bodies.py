"""A client that sends its body slowly, or never, takes no place from others; after a while it gets a 408."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from api.reading import LARGEST_BODY
from api.request_bodies import BODY_SECONDS, LARGEST_DROPPED, MOST_BODIES
from tests.checkout import wait_until
from tests.integration.databases import TestDatabase
from tests.integration.servers import Api
from tests.integration.test_monitoring import counted

ORDER = {"product_id": 5, "quantity": 1}
HEAD = b"POST /orders/ HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
WITH_LENGTH = HEAD + b"Content-Length: 1000\r\n\r\n{"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"


class Slow:
    """A client that sends a request with half a body, and then a byte now and then, or nothing."""

    def __init__(self, api: Api, begin: bytes, more: bytes) -> None:
        self.connection = socket.create_connection(("127.0.0.1", api.port))
        self.connection.sendall(begin)
        self._more = more
        self.received = b""
        self.is_closed = False

    def go_on(self) -> None:
        """Send a little more, and read the answer, if there is one."""
        self.connection.settimeout(0.01)
        try:
            if self._more:
                self.connection.sendall(self._more)
            received = self.connection.recv(4096)
        except TimeoutError:
            return
        except OSError:  # closed while it was sending
            received = b""
        self.received += received
        self.is_closed |= not received


@contextmanager
def slow_clients(api: Api, number: int) -> Iterator[list[Slow]]:
    """So many clients, a third each: with a Content-Length, in chunks, and silent ones."""
    kinds = ((WITH_LENGTH, b" "), (CHUNKED, b"1\r\n \r\n"), (WITH_LENGTH, b""))
    with ExitStack() as stack:
        clients = [Slow(api, *kinds[place % len(kinds)]) for place in range(number)]
        for client in clients:
            stack.callback(client.connection.close)
        is_over = threading.Event()

        def go_on() -> None:
            while not is_over.wait(0.2):
                for client in clients:
                    if not client.is_closed:
                        client.go_on()

        sender = threading.Thread(target=go_on)
        sender.start()
        stack.callback(sender.join)
        stack.callback(is_over.set)
        yield clients


@pytest.fixture
def small_api(start_api: Callable[..., Api], database: TestDatabase) -> Api:
    """It works at two requests at once."""
    return start_api(database.url(), API_THREADS="2")


def test_slow_bodies_take_no_place(small_api: Api) -> None:
    """Thirty of them; others read, order and probe meanwhile. Each slow one gets a 408, and is counted."""
    with slow_clients(small_api, 30) as clients:
        for _ in range(5):
            assert small_api.request("GET", "/products/5", timeout=5).status == 200
            assert small_api.request("POST", "/orders/", ORDER, timeout=5).status == 201
            assert small_api.request("GET", "/health", timeout=5).status == 200
        assert not any(client.is_closed for client in clients), "they have some time"
        wait_until(lambda: all(client.is_closed for client in clients), "all slow clients are sent away", 60)
        for client in clients:
            assert client.received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert f"send it within {BODY_SECONDS:g} seconds".encode() in client.received
    wait_until(lambda: counted(small_api).get(("POST", "/orders/", "408")) == 30, "each of them is counted")
    assert small_api.request("POST", "/orders/", ORDER).status == 201


def test_more_slow_bodies_than_can_be_read_keep_nobody_out(small_api: Api) -> None:
    """The last ones are refused at once. Later, the first ones make room for a body that comes."""
    with slow_clients(small_api, MOST_BODIES + 10) as clients:
        wait_until(lambda: sum(b" 503 " in client.received for client in clients) >= 10, "refused")
        assert small_api.request("GET", "/products/5", timeout=5).status == 200
        wait_until(lambda: small_api.request("POST", "/orders/", ORDER).status == 201, "there is room")
        for _ in range(20):
            assert small_api.request("POST", "/orders/", ORDER, timeout=5).status == 201


def test_a_body_that_comes_in_pieces_is_read(small_api: Api) -> None:
    """In time, it counts."""
    body = b'{"product_id": 5, "quantity": 1}'
    with socket.create_connection(("127.0.0.1", small_api.port)) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body))
        for letter in body:
            connection.sendall(bytes([letter]))
        assert connection.recv(4096).startswith(b"HTTP/1.1 201 ")


def test_a_body_that_ends_early_is_refused(small_api: Api, database: TestDatabase) -> None:
    """Its beginning is an order; the client may have wanted to send another one."""
    body = b'{"product_id": 5, "quantity": 1}'
    with socket.create_connection(("127.0.0.1", small_api.port)) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"The body ended after {len(body)} of 100 bytes".encode() in answer
    assert database.query("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, LARGEST_DROPPED])
def test_a_connection_can_be_used_after_a_body_that_is_too_large(small_api: Api, size: int) -> None:
    """A client that keeps its connection does not see its next request fail."""
    connection = http.client.HTTPConnection("127.0.0.1", small_api.port, timeout=20)
    connection.request("POST", "/orders/", b" " * size, {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        assert (answer.status, json.load(answer)["code"]) == (413, "body_too_large")
    sock = connection.sock
    connection.request("GET", "/products/5")
    with connection.getresponse() as answer:
        assert answer.status == 200
    assert connection.sock is sock, "it is the same connection"
    connection.close()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_a_body_that_no_handler_reads_is_not_awaited(small_api: Api, method: str) -> None:
    with socket.create_connection(("127.0.0.1", small_api.port)) as connection:
        connection.settimeout(5)
        head = WITH_LENGTH.replace(b"POST /orders/", f"{method} /products/99999".encode())
        connection.sendall(head)
        assert connection.recv(4096).startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 405 "))


def test_http_2_is_not_spoken(small_api: Api) -> None:
    """All requests of such a connection would end with one body that is late."""
    with socket.create_connection(("127.0.0.1", small_api.port)) as connection:
        connection.settimeout(5)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert connection.recv(4096) == b""

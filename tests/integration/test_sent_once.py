"""What users send is on the wire once, whatever becomes of its connection."""

from __future__ import annotations

import importlib.util
import re
import socket
import sys
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer
from locust.env import Environment
from locust.event import Events

from load_tests.answer import Answer
from load_tests.shop import ANY_STATUS
from load_tests.users import Run, ShopUser

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers what it reads, over connections that are kept, but for paths with `close` in it: there it
    reads the request and closes."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.connections: list[socket.socket] = []
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def _serve(self, connection: socket.socket, _address: object) -> None:
        self.connections.append(connection)
        with connection.makefile("rb") as lines:
            while request := lines.readline():
                length = 0
                while (header := lines.readline().strip().lower()) != b"":
                    if found := re.fullmatch(rb"content-length: (\d+)", header):
                        length = int(found[1])
                lines.read(length)
                self.read.append(request.decode().rpartition(" ")[0])
                if b"close" in request:
                    return
                connection.sendall(ANSWER)

    def close_idle_connections(self) -> None:
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def of_locust_alone() -> type[ShopUser]:
    """The base class of the shop's users where Stampede's client is not installed."""
    with pytest.MonkeyPatch.context() as missing:
        missing.setitem(sys.modules, "stampede.http.user", None)
        base_user = fresh("load_tests.base_user")
        missing.setitem(sys.modules, "load_tests.base_user", base_user)
        kind: type[ShopUser] = fresh("load_tests.users").ShopUser
    return kind


def fresh(name: str) -> Any:
    """A module that is executed again, and replaces none."""
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["FastUser", "FastHttpUser"])
def visitor(server: Server, request: pytest.FixtureRequest) -> Iterator[ShopUser]:
    base = ShopUser if request.param == "FastUser" else of_locust_alone()
    assert any(each.__name__ == request.param for each in base.__mro__)
    kind = type("Visitor", (base,), {"host": server.url})
    environment = Environment(user_classes=[kind], events=Events())
    environment.events.request.add_listener(
        lambda request_type, name, exception, **_: (
            environment.stats.log_request(request_type, name, 1, 1),
            exception and environment.stats.log_error(request_type, name, exception),
        )
    )
    visitor = kind(environment)
    yield visitor
    getattr(visitor.client, "client", visitor.client).close()
    Run.current = None


def send(visitor: ShopUser, method: str, path: str) -> Answer:
    return visitor.shop.request(method, path, path, ANY_STATUS)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_request_whose_connection_closes_is_sent_once_and_fails_once(
    server: Server, visitor: ShopUser, method: str
) -> None:
    """Nobody knows whether it was done; a second one might be told that it was not."""
    assert send(visitor, "GET", "/first").status == 200
    assert send(visitor, method, "/close").status == 0
    assert send(visitor, "GET", "/next").status == 200
    assert server.read == ["GET /first", f"{method} /close", "GET /next"]
    total = visitor.environment.stats.total
    assert (total.num_requests, total.num_failures) == (3, 1)


def test_a_connection_that_closed_while_idle_costs_no_request(server: Server, visitor: ShopUser) -> None:
    """Nothing was sent over it: the next request has a new one."""
    assert send(visitor, "GET", "/first").status == 200
    server.close_idle_connections()
    gevent.idle()
    assert send(visitor, "DELETE", "/next").status == 200
    assert server.read == ["GET /first", "DELETE /next"]

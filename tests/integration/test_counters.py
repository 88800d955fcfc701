"""The API's own counters, watched while it answers, restarts, hangs and is gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from stampede.facts.event import Event
from stampede.facts.run_json import ApiCounts
from stampede.sampling import counters
from stampede.sampling.counters import Counters
from stampede.sampling.replica import CLOCK_JITTER
from tests.integration.databases import TestDatabase
from tests.integration.servers import Api

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


class Served:
    """Counters of somebody else's, or what stands in their place."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0, text: str | None = None) -> None:
        self.text = text
        """What `/metrics` answers; None for not a word."""
        self.orders = 0
        self.asked: list[bytes] = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
        self._server = StreamServer(listener, self._serve)
        self._server.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def _serve(self, connection: socket.socket, _address: object) -> None:
        self.asked.append(connection.recv(4096))
        if self.text is None:
            connection.recv(1)
        else:
            connection.sendall(HEAD + self.text.format(orders=self.orders).encode())

    def stop(self) -> None:
        self._server.stop()


ORDERS = 'http_requests_total{{method="POST",route="/orders/",status="201"}} {orders}\n'


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(*arguments: Any, **more: Any) -> Served:
        started.append(Served(*arguments, **more))
        return started[-1]

    yield start
    for served in started:
        served.stop()


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "INTERVAL", 0.1)


def wait_until(holds: Callable[[], bool]) -> None:
    with gevent.Timeout(20):
        while not holds():
            gevent.sleep(0.01)


def watched(url: str, events: list[Event] | None = None) -> Counters:
    watch = Counters(url, [] if events is None else events)
    watch.start()
    assert watch.has_polled.wait(20)
    return watch


def wait_for_a_look(watch: Counters) -> None:
    """Until one is over that began after now."""
    looks = watch._polls
    wait_until(lambda: watch._polls > looks + 1)


def told(watch: Counters) -> ApiCounts:
    result = watch.stop()
    assert result is not None
    return result


def test_what_the_api_answers_in_a_run_is_counted(api: Api) -> None:
    """By method, route and status; not what came before, no probe, and not our own asking."""
    api.request("GET", "/products/")
    events: list[Event] = []
    watch = watched(api.url, events)
    for path in (
        "/products/",
        "/products/?page=2",
        "/products/1",
        "/products/999999",
        "/nowhere",
        "/metrics",
    ):
        api.request("GET", path)
    api.request("HEAD", "/health")
    api.request("POST", "/orders/", {"product_id": 1, "quantity": 1})
    assert told(watch).api == {
        "GET /products/": {"200": 2},
        "GET /products/{id}": {"200": 1, "404": 1},
        "GET other": {"404": 1},
        "POST /orders/": {"201": 1},
    }
    assert events == []


def test_a_fresh_api_is_counted_from_its_first_request(api: Api) -> None:
    """Its counters have no samples before: that is 0."""
    watch = watched(api.url)
    api.request("GET", "/products/")
    wait_for_a_look(watch)
    api.request("GET", "/products/")
    assert told(watch).api == {"GET /products/": {"200": 2}}


def test_a_restart_under_way_is_noted_and_loses_only_what_nobody_saw(
    api: Api, database: TestDatabase
) -> None:
    """While it is away the watching goes on."""
    for _ in range(5):
        api.request("GET", "/products/")
    events: list[Event] = []
    watch = watched(api.url, events)
    for _ in range(3):
        api.request("GET", "/products/")
    wait_for_a_look(watch)
    old_enough = time.time() + CLOCK_JITTER  # else it might be its own brother, forked with it
    wait_until(lambda: time.time() > old_enough)
    api.stop()
    wait_for_a_look(watch)
    ended = time.time()
    api.process = api._start(database.url(), None, {})
    api.wait_until_it_answers()
    api.request("GET", "/products/")
    assert told(watch).api == {"GET /": {"200": 1}, "GET /products/": {"200": 4}}
    (event,) = events
    assert (event.name, event.address) == ("api_restarted", f"127.0.0.1:{api.port}")
    assert event.last_look is not None
    assert event.last_look < ended
    assert abs(event.at - ended) < 20  # a process tells its start by the second


def test_an_api_that_comes_late_is_counted(serve: Callable[..., Served]) -> None:
    """It was not there when the run began: all it has counted is of the run."""
    late = serve(text=ORDERS)
    late.stop()
    events: list[Event] = []
    watch = watched(late.url, events)
    again = serve(port=late.port, text=ORDERS)
    again.orders = 7
    wait_for_a_look(watch)
    assert told(watch).api == {"POST /orders/": {"201": 7}}
    assert events == []


def test_an_api_that_is_gone_at_the_end_is_noted(serve: Callable[..., Served]) -> None:
    """What it had counted stays."""
    served = serve(text=ORDERS)
    events: list[Event] = []
    watch = watched(served.url, events)
    served.orders = 7
    wait_for_a_look(watch)
    served.stop()
    assert told(watch).api == {"POST /orders/": {"201": 7}}
    (event,) = events
    assert event.name == "api_gone"
    assert event.last_look is not None
    assert event.last_look < event.at < time.time() + counters.POLL_TIMEOUT


def test_an_api_that_hangs_costs_a_look_and_no_more(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look goes without it, and the next one finds it again."""
    monkeypatch.setattr(counters, "POLL_TIMEOUT", 0.2)
    served = serve(text=ORDERS)
    events: list[Event] = []
    watch = watched(served.url, events)
    served.text = None
    wait_for_a_look(watch)
    served.text, served.orders = ORDERS, 7
    wait_for_a_look(watch)
    assert told(watch).api == {"POST /orders/": {"201": 7}}
    assert events == []


def test_a_run_begins_within_two_seconds_though_nobody_answers(serve: Callable[..., Served]) -> None:
    """Nor does it end later than after three looks."""
    served = serve(text=None)
    began = time.monotonic()
    watch = watched(served.url)
    assert time.monotonic() - began < 2
    assert watch.stop() is None
    assert time.monotonic() - began < 6


@pytest.mark.parametrize("text", ["<!doctype html>", "", 'http_requests_total{{code="200"}} 5', "\x00"])
def test_a_target_without_such_counters_tells_nothing(serve: Callable[..., Served], text: str) -> None:
    """It may be anybody's."""
    watch = watched(serve(text=text).url)
    assert watch.stop() is None


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """There is no name here that has several addresses."""

    def resolve(_host: str, port: int, family: int, kind: int) -> list[tuple[Any, ...]]:
        found = [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, kind, 6, "", (each, port))
            for each in addresses
        ]
        return [each for each in found if family in (0, each[0])]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_a_target_that_tells_nothing_is_soon_not_asked_any_more(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be somebody else's."""
    monkeypatch.setattr(counters, "INTERVAL", 0.01)
    served = serve(text="up 1")
    watching = Counters(served.url, [])
    watching.start()
    wait_until(lambda: len(served.asked) == counters.MAX_EMPTY_POLLS)
    gevent.sleep(10 * counters.INTERVAL)
    assert len(served.asked) == counters.MAX_EMPTY_POLLS
    assert watching.stop() is None


def test_every_address_of_the_name_is_asked_and_added(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name's Host; one that comes while the run goes on, and one that goes, count too."""
    one = serve(text=ORDERS)
    other = serve("127.0.0.2", one.port, text=ORDERS)
    resolve_to(monkeypatch, "127.0.0.1")
    watch = watched(f"http://shop.test:{one.port}/prefix/")
    one.orders = 3
    wait_for_a_look(watch)
    resolve_to(monkeypatch, "127.0.0.2")
    other.orders = 4
    wait_for_a_look(watch)
    result = told(watch)
    assert result.api == {"POST /orders/": {"201": 7}}
    assert result.addresses == [f"127.0.0.1:{one.port}", f"127.0.0.2:{one.port}"]
    request = other.asked[-1].decode()
    assert request.startswith("GET /prefix/metrics HTTP/1.1\r\n")
    assert f"Host: shop.test:{one.port}\r\n" in request


def test_an_api_that_answers_over_both_protocols_is_counted_once(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`localhost` is 127.0.0.1 and ::1, and may be the same API."""
    over_6 = serve("::1", text=ORDERS)
    over_4 = serve("127.0.0.1", over_6.port, text=ORDERS)
    resolve_to(monkeypatch, "::1", "127.0.0.1")
    watch = watched(f"http://localhost:{over_6.port}")
    over_6.orders = over_4.orders = 7
    result = told(watch)
    assert result.api == {"POST /orders/": {"201": 7}}
    assert result.addresses == [f"[::1]:{over_6.port}"]


@pytest.mark.parametrize(("other_start", "counted", "seen"), [(1000.25, 7, 1), (1000.26, 14, 2)])
def test_an_api_that_has_several_addresses_is_counted_once(
    serve: Callable[..., Served],
    monkeypatch: pytest.MonkeyPatch,
    other_start: float,
    counted: int,
    seen: int,
) -> None:
    """And what it uses is added up once. Another that began a moment later is another."""
    text = "process_resident_memory_bytes 1048576\nprocess_start_time_seconds {}\n" + ORDERS
    one = serve(text=text.replace("{}", "1000.25", 1))
    other = serve("127.0.0.2", one.port, text=text.replace("{}", str(other_start), 1))
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    watch = watched(f"http://shop.test:{one.port}")
    one.orders = other.orders = 7
    wait_until(lambda: bool(watch.samples))
    result = told(watch)
    assert result.api == {"POST /orders/": {"201": counted}}
    assert len(result.addresses) == seen
    assert watch.samples[0].memory_mb == seen


def test_two_that_began_in_the_same_instant_are_two(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They look the same when the run begins, and have not done the same when it has ended."""
    one = serve(text="process_start_time_seconds 1000\n" + ORDERS)
    other = serve("127.0.0.2", one.port, text="process_start_time_seconds 1000\n" + ORDERS)
    resolve_to(monkeypatch, "127.0.0.1", "127.0.0.2")
    watch = watched(f"http://shop.test:{one.port}")
    one.orders, other.orders = 3, 4
    result = told(watch)
    assert result.api == {"POST /orders/": {"201": 7}}
    assert len(result.addresses) == 2


def test_processes_that_answer_in_turns_are_not_taken_for_one(serve: Callable[..., Served]) -> None:
    """Their counts cannot be had: it says so, and nobody is accused."""
    served = serve(text="process_start_time_seconds 1000\n" + ORDERS)
    events: list[Event] = []
    watch = watched(served.url, events)
    for start in (2000, 1000):
        served.text = f"process_start_time_seconds {start}\n" + ORDERS
        wait_for_a_look(watch)
    assert "several processes" in (told(watch).error or "")
    assert events == [], "nobody was restarted"

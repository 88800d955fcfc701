"""A run of a real master begins: its id and target are known, and a host that is not there is refused."""

from __future__ import annotations

import socket
import ssl
import threading
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import gevent
import pytest
import trustme

from stampede.own_ports import OwnPorts
from stampede.plan import probe
from stampede.plan.cast import CastError
from stampede.run.driver import Driver, RunError
from stampede.webui import runs
from tests.integration.masters import Master, Shopper, with_driver
from tests.integration.speaking import speaking

PROFILES = Path("load_tests/profiles.toml")


@pytest.fixture
def master() -> Iterator[Master]:
    """With one worker. Its user class states a host, the cluster has an API of its own."""
    with closing(Master()) as made:
        made.hears_ready("host_abc")
        made.environment.parsed_options = Namespace(
            headless=False, enable_rebalancing=False, stampede_fallback_host="http://127.0.0.1:8"
        )
        yield made


@pytest.fixture
def driver(master: Master, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Driver]:
    monkeypatch.setattr("locust.runners.HEARTBEAT_LIVENESS", 60)  # no worker sends any
    monkeypatch.setattr(Shopper, "host", "http://127.0.0.1:9", raising=False)
    driver = with_driver(master, tmp_path / "results")
    yield driver
    master.hears("host_abc", "quit")
    driver.shut_down(10)


def begin(driver: Driver, **settings: object) -> runs.Begun:
    own = {"profile": "smoke", "own_users": True, "own_pace": True}
    return runs.begin(driver, PROFILES, {**own, **settings})


def test_the_id_of_a_run_is_known_before_it_begins(driver: Driver) -> None:
    """So that the console follows the run that it has started, and no other."""
    begun = begin(driver, probe=False)
    with gevent.Timeout(10):
        while driver.current is None:
            gevent.sleep(0.01)
    assert driver.current.id == begun.run_id


def test_the_host_of_the_class_is_the_target_where_none_is_given(driver: Driver, master: Master) -> None:
    """The API of the cluster receives none of the load."""
    begun = begin(driver, probe=False)
    assert begun.target == ("http://127.0.0.1:9", ("Shopper",))
    assert master.environment.host == "http://127.0.0.1:9"


def test_a_given_host_overrides_that_of_the_class(driver: Driver, master: Master) -> None:
    begun = begin(driver, probe=False, host="http://127.0.0.1:7")
    assert begun.target == ("http://127.0.0.1:7", ())
    assert master.environment.host == "http://127.0.0.1:7"


def test_a_silent_host_is_refused_unless_it_is_not_probed(driver: Driver) -> None:
    """Without the probe, the class's own host would do for users without HTTP."""
    with pytest.raises(RunError, match=r"^http://127\.0\.0\.1:9 does not answer the cluster: .*refused"):
        begin(driver)
    assert not driver.in_progress
    assert begin(driver, probe=False)


def test_a_port_of_the_cluster_is_refused(driver: Driver) -> None:
    """Users would hit the master; no probe of it is sent."""
    driver.hosts.own_ports = OwnPorts(here=[8089])
    with pytest.raises(CastError, match=r"http://127\.0\.0\.1:8089 is a port of this cluster"):
        begin(driver, host="http://127.0.0.1:8089")
    assert not driver.in_progress


@pytest.mark.parametrize(
    "answer",
    [
        "",  # it closes the connection on a HEAD
        "SSH-2.0-OpenSSH",
        "HTTP/1.1 500 Oops\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    ],
)
def test_whatever_a_server_answers_it_is_there(answer: str) -> None:
    with speaking(answer) as url:
        runs._refuse_silent_host(url)


def test_a_server_that_resets_the_connection_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset() -> None:
            connection, _ = server.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        threading.Thread(target=reset).start()
        runs._refuse_silent_host(f"http://127.0.0.1:{server.getsockname()[1]}")


def test_a_certificate_is_not_verified() -> None:
    """Users may trust it, or verify none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("another.test").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        runs._refuse_silent_host(f"https://127.0.0.1:{server.server_port}")
        thread.join()


def test_a_server_that_wants_something_else_in_tls_is_there() -> None:
    """A certificate of its users, for example: they have it, the master does not."""
    with speaking("this is no TLS") as url:
        runs._refuse_silent_host(url.replace("http://", "https://"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers_is_refused(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(RunError, match="timed out"):
        runs._refuse_silent_host(f"{scheme}://127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize(
    "host", ["http://nowhere.invalid", "http://a b", "http://127.0.0.1:99999", "tcp://127.0.0.1:9", "", None]
)
def test_a_host_that_does_not_exist_is_refused(host: str | None) -> None:
    with pytest.raises(RunError):
        runs._refuse_silent_host(host)


def test_a_run_may_have_a_name_of_its_own(driver: Driver) -> None:
    """As a run of a custom locustfile has: the profile is only the basis of its load."""
    assert begin(driver, probe=False, name="users.py").plan.profile == "users.py"

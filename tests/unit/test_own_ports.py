"""The ports of the cluster are known by every name of their machine."""

from __future__ import annotations

import socket

import pytest

from stampede.own_ports import OwnPorts

PORTS = OwnPorts("localhost:8089 locust-master:5557 nonsense postgres:many", [5558])


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "127.1.2.3", "0.0.0.0", "0", "0x7f.1", "2130706433", "017700000001"),  # noqa: S104
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", socket.gethostname()),
    ],
)
def test_this_machine_is_known_by_each_of_its_names(host: str) -> None:
    assert PORTS.include(host, 8089)
    assert PORTS.include(host, 5558)
    assert not PORTS.include(host, 9000)


@pytest.mark.parametrize("host", ["192.0.2.1", "[2001:db8::1]", "nowhere.invalid", "a..b", "x" * 70, ""])
def test_another_machine_may_use_the_same_port(host: str) -> None:
    """Also one that does not exist: connecting to it fails."""
    assert not PORTS.include(host, 8089)


def test_a_name_of_the_containers_network_is_known() -> None:
    """Where it cannot be resolved, too."""
    assert PORTS.include("locust-master", 5557)
    assert not PORTS.include("locust-master", 8089)
    assert not PORTS.include("postgres", 5432)


def test_a_name_that_leads_to_the_same_address_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"locust-master": "192.0.2.7", "alias.test": "192.0.2.7", "other.test": "192.0.2.8"}

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert PORTS.include("alias.test", 5557)
    assert not PORTS.include("other.test", 5557)


def test_without_ports_none_is_own() -> None:
    assert not OwnPorts().include("localhost", 8089)

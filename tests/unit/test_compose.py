"""docker-compose.yml keeps each service to what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "docker-compose.yml").read_text()
)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MASTERS_CAPABILITIES = {"CHOWN", "KILL", "SETUID", "SETGID", "SETPCAP"}
"""What master/start.sh needs to become the owner of results/, and the init process to signal the master.

Python gets none of them."""


def networks(service: str) -> set[str]:
    return {*SERVICES[service].get("networks", ())}


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert {*service.get("cap_add", ())} <= (MASTERS_CAPABILITIES if name == "master" else set())


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_limits(name: str) -> None:
    """One whose memory, processes or threads grow does not take the machine's."""
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert limits["memory"]
    assert 0 < limits["pids"] <= 2048


def test_only_those_who_need_the_database_are_in_its_network() -> None:
    """A locustfile of workers is other people's code."""
    assert {name for name in SERVICES if "data" in networks(name)} == {"postgres", "api", "master"}
    assert networks("postgres") == {"data"}


def test_the_network_of_the_database_is_closed() -> None:
    assert COMPOSE["networks"]["data"]["internal"] is True


def test_the_port_of_the_workers_is_open_in_their_network_only() -> None:
    """The master listens at the address of a name that it has in that network alone."""
    aliases = SERVICES["master"]["networks"]["cluster"]["aliases"]
    command = SERVICES["master"]["command"]
    assert command[command.index("--master-bind-host") + 1] in aliases
    assert SERVICES["worker"]["environment"]["LOCUST_MASTER_NODE_HOST"] in aliases
    assert {name for name in SERVICES if "cluster" in networks(name)} == {"master", "worker"}
    assert not SERVICES["master"]["networks"]["shop"]
    assert not SERVICES["master"]["networks"]["data"]


def test_ports_are_published_on_this_machine_only() -> None:
    published = {name: port for name, service in SERVICES.items() for port in service.get("ports", ())}
    assert published.keys() == {"api", "master"}
    assert published["api"].startswith("127.0.0.1:")
    assert published["master"].startswith("${UI_BIND:-127.0.0.1}:")

"""A HOST on this machine is checked before a cluster starts, and where containers cannot reach it."""

from __future__ import annotations

import socket

import pytest

from stampede.rig import UsageError, local_host

UNREACHABLE = UsageError("http://host.docker.internal:9 does not answer the cluster: start it")


def test_a_closed_port_of_this_machine_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        host = f"http://localhost:{taken.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"^HOST: {host} refuses connections: start the API first"):
            local_host.refuse_closed(host)


def test_a_port_that_listens_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        local_host.refuse_closed(f"http://127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize("host", [None, "http://api:9", "https://staging.invalid"])
def test_other_hosts_are_left_to_the_master(host: str | None) -> None:
    """It may reach names that this machine does not know."""
    local_host.refuse_closed(host)
    assert local_host.explain(UNREACHABLE, host, "compose") is UNREACHABLE


def test_a_host_that_only_containers_cannot_reach_is_explained() -> None:
    explained = local_host.explain(UNREACHABLE, "http://localhost:9", "compose")
    assert str(explained).startswith("http://localhost:9 answers on this machine, but containers cannot")
    assert local_host.explain(UNREACHABLE, "http://localhost:9", "local") is UNREACHABLE
    other = UsageError("a run is in progress")
    assert local_host.explain(other, "http://localhost:9", "compose") is other


@pytest.mark.parametrize("host", ["http://localhost:8089", "https://127.0.0.1:8089/", "http://[::1]:8089"])
def test_a_port_of_the_cluster_is_no_host(host: str) -> None:
    with pytest.raises(
        UsageError, match="is a port of this cluster, which is never a target: set another HOST"
    ):
        local_host.refuse_own(host, (8089, 5557))


@pytest.mark.parametrize("host", [None, "http://localhost:9000", "http://192.0.2.1:8089", "http://localhost"])
def test_another_port_is_a_host(host: str | None) -> None:
    local_host.refuse_own(host, (8089, 5557))

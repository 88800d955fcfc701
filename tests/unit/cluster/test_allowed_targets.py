"""Whom users may be sent to is read in one way only."""

from __future__ import annotations

import pytest

from stampede.cluster.allowed_targets import AllowedTargets, AllowedTargetsError, reachable
from stampede.own_ports import OwnPorts

OWN = "http://api:8000"


@pytest.mark.parametrize(
    ("listed", "address", "is_allowed"),
    [
        ("", "http://api:8000", True),
        ("", "http://api:8000/", True),
        ("", "HTTP://API:8000/v1?page=2", True),  # the same host; the path is the user's business
        ("", "http://api:8001", False),
        ("", "https://api:8000", False),
        ("", "http://api.example.com:8000", False),
        ("", "http://api:8000.example.com", False),
        ("", "http://api:8000@example.com", False),
        ("", "http://example.com\\@api:8000", False),  # one program asks example.com, the next api
        ("", "ftp://api:8000", False),
        ("", "api:8000", False),
        ("", "", False),
        ("staging.example.com", "http://staging.example.com:1234", True),
        ("staging.example.com", "https://staging.example.com", True),
        ("staging.example.com", "https://staging.example.com.", True),  # the same name, spelt in full
        ("staging.example.com", "https://example.com", False),
        ("staging.example.com:9000", "http://staging.example.com:9000", True),
        ("staging.example.com:9000", "http://staging.example.com", False),
        ("https://staging.example.com", "https://staging.example.com:443/", True),
        ("https://staging.example.com", "http://staging.example.com", False),
        ("one.test, http://[::1]:9000 ,", "http://[::1]:9000", True),
    ],
)
def test_only_the_own_target_and_listed_ones_are_allowed(listed: str, address: str, is_allowed: bool) -> None:
    assert AllowedTargets(listed, lambda: [OWN, None]).allows(address) is is_allowed


def test_an_own_address_is_allowed_as_it_is_written() -> None:
    """Whatever is in it: whoever started the cluster has written it."""
    as_written = "http://ada:lovelace@api:8000"
    assert AllowedTargets("", lambda: [as_written]).allows(as_written)
    assert not AllowedTargets("", lambda: [as_written]).allows("http://ada:lovelace@example.com:8000")


@pytest.mark.parametrize("listed", ["*", "a b", "http://", "ftp://one.test", "one.test/path", "http://a@b"])
def test_what_lists_no_hosts_is_refused(listed: str) -> None:
    with pytest.raises(AllowedTargetsError, match="ALLOW_TARGETS must be hosts such as"):
        AllowedTargets(f"fine.test,{listed}")


@pytest.mark.parametrize(
    ("there", "is_allowed"),
    [
        ("http://shop.test/next", True),
        ("http://shop.test:80/next", True),
        ("HTTP://SHOP.test./next", True),
        ("https://shop.test/next", True),  # to TLS, on the usual ports
        ("https://shop.test:443/next", True),
        ("https://shop.test:8443/next", False),
        ("http://shop.test:8089/", False),  # another port is another program
        ("http://shop.test:0/", False),
        ("http://shop.test:99999/", False),
        ("ftp://shop.test/", False),
        ("http://shop.test@stranger.test/", False),
        ("", False),
        ("http://login.test/", True),
        ("http://login.test:1234/", True),
        ("http://stranger.test/", False),
    ],
)
def test_a_redirect_stays_at_its_origin_or_leads_to_an_allowed_one(there: str, is_allowed: bool) -> None:
    assert AllowedTargets("login.test").allows_redirect("http://shop.test/", there) is is_allowed


@pytest.mark.parametrize(
    ("here", "there", "is_allowed"),
    [
        ("http://shop.test:9000/", "http://shop.test:9000/next", True),
        ("http://shop.test:9000/", "http://shop.test/", False),
        ("http://shop.test:9000/", "https://shop.test/", False),
        ("http://shop.test:9000/", "https://shop.test:9000/", False),
        ("https://shop.test/", "https://shop.test/next", True),
        ("https://shop.test/", "http://shop.test/", False),  # without TLS
    ],
)
def test_another_scheme_or_port_is_elsewhere(here: str, there: str, is_allowed: bool) -> None:
    assert AllowedTargets("login.test").allows_redirect(here, there) is is_allowed


def test_a_port_of_the_cluster_is_never_allowed() -> None:
    """Neither as the own target, nor if it is listed, nor by a redirect from itself."""
    ui = "http://localhost:8089"
    allowed = AllowedTargets("localhost", lambda: [ui], OwnPorts("localhost:8089"))
    assert allowed.is_own(ui)
    assert not allowed.allows(ui)
    assert not allowed.allows_redirect("http://localhost:9000/", f"{ui}/swarm")
    assert not allowed.allows_redirect(ui, f"{ui}/swarm")
    assert allowed.allows("http://localhost:9000")


@pytest.mark.parametrize(
    ("address", "in_a_container"),
    [
        ("http://localhost:9000", "http://machine.test:9000"),
        ("https://LOCALHOST/v1?page=2", "https://machine.test/v1?page=2"),
        ("http://127.0.0.1:9000/", "http://machine.test:9000/"),
        ("http://[::1]:9000", "http://machine.test:9000"),
        ("http://api:8000", "http://api:8000"),
        ("http://localhost.example.com", "http://localhost.example.com"),
        ("http://localhost:9000@example.com", "http://localhost:9000@example.com"),
        ("http://localhost:99999", "http://localhost:99999"),  # no such port
        ("localhost:9000", "localhost:9000"),
        ("", ""),
    ],
)
def test_localhost_is_the_machine_of_the_user(address: str, in_a_container: str) -> None:
    """Processes on that machine reach it by the same name; containers do not."""
    assert reachable(address, "machine.test") == in_a_container
    assert reachable(address, "") == address

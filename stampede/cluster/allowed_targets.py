"""The targets that users may send requests to: the cluster's own and those in ALLOW_TARGETS. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from stampede.own_ports import OwnPorts

HOST = r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>\d{1,5}))?"
URL = re.compile(rf"(?P<scheme>https?)://{HOST}([/?#].*)?", re.IGNORECASE | re.DOTALL)
"""A plain URL. One that clients read in different ways (`http://a\\@b`) does not match."""
ENTRY = re.compile(rf"((?P<scheme>https?)://)?{HOST}/?", re.IGNORECASE)
"""One entry of ALLOW_TARGETS."""

DEFAULT_PORTS = {"http": 80, "https": 443}
VALID_PORTS = range(1, 65_536)

NO_PORTS = OwnPorts()

LOCALHOST = ("localhost", "127.0.0.1", "::1")
"""The names of the machine itself."""


class AllowedTargetsError(Exception):
    """ALLOW_TARGETS cannot be parsed. The message says what it must be."""


class Origin(NamedTuple):
    """A host with its scheme and port. None means any scheme, or any port."""

    scheme: str | None
    host: str
    port: int | None

    def includes(self, other: Origin) -> bool:
        """Return whether `other`, which must have a scheme and a port, matches this origin."""
        return (
            self.host == other.host
            and self.scheme in (None, other.scheme)
            and self.port in (None, other.port)
        )


class AllowedTargets:
    """The targets that one cluster may send requests to."""

    def __init__(
        self,
        listed: str,
        own: Callable[[], Iterable[str | None]] = tuple,
        own_ports: OwnPorts = NO_PORTS,
    ) -> None:
        """Parse `listed`, hosts and origins separated by commas. Raise AllowedTargetsError.

        `own` returns the addresses that are allowed without being listed. It is called for each check, as
        the addresses can change. `own_ports` are those of the cluster itself, which are never allowed.
        """
        self._listed = [_parse_entry(entry.strip()) for entry in listed.split(",") if entry.strip()]
        self._own = own
        self._own_ports = own_ports

    def is_own(self, address: str) -> bool:
        """Return whether an address is a port of the cluster itself, such as that of its UI."""
        origin = parse_origin(address)
        return bool(origin and origin.port and self._own_ports.include(origin.host, origin.port))

    def allows(self, address: str) -> bool:
        """Return whether users may send requests to an address."""
        if self.is_own(address):
            return False
        own = {own_address.rstrip("/") for own_address in self._own() if own_address}
        if address.rstrip("/") in own:
            return True
        wanted = parse_origin(address)
        allowed = [*self._listed, *filter(None, map(parse_origin, own))]
        return wanted is not None and any(origin.includes(wanted) for origin in allowed)

    def allows_redirect(self, source: str, target: str) -> bool:
        """Return whether a redirect may be followed: to the same scheme, host and port, or an allowed target.

        Another port is another program. From http to https of the same host is allowed, on their usual ports.
        """
        before, after = parse_origin(source), parse_origin(target)
        if before is None or after is None:
            return False
        is_upgrade = before == Origin("http", after.host, 80) and after == Origin("https", before.host, 443)
        return (before == after or is_upgrade or self.allows(target)) and not self.is_own(target)


def reachable(address: str, this_machine: str) -> str:
    """Return an address as the cluster reaches it: in a container, localhost is not the user's machine.

    `this_machine` is the name of that machine; empty where the cluster runs on it. An address that is not a
    plain URL is returned unchanged.
    """
    origin = parse_origin(address)
    if not this_machine or origin is None or origin.host.strip("[]") not in LOCALHOST:
        return address
    parts = urlsplit(address)
    _, colon, port = parts.netloc.rpartition("]")[2].partition(":")
    return parts._replace(netloc=f"{this_machine}{colon}{port}").geturl()


def parse_origin(address: str) -> Origin | None:
    """Return the origin of a URL, or None where the address is not a plain URL."""
    match = URL.fullmatch(address)
    origin = match and _origin(match)
    return origin if origin and origin.port in VALID_PORTS else None


def _parse_entry(entry: str) -> Origin:
    match = ENTRY.fullmatch(entry)
    if not match:
        raise AllowedTargetsError(
            f"ALLOW_TARGETS must be hosts such as staging.example.com or http://localhost:9000, "
            f"separated by commas, not '{entry}'"
        )
    return _origin(match)


def _origin(match: re.Match[str]) -> Origin:
    scheme, port = match["scheme"] and match["scheme"].lower(), match["port"]
    default_port = DEFAULT_PORTS.get(scheme or "")
    return Origin(scheme, match["host"].lower().rstrip("."), int(port) if port else default_port)

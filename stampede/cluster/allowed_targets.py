"""Whom users may be sent to: the cluster's own target, and what whoever started it has allowed. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

HOST = r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>\d{1,5}))?"
ADDRESS = re.compile(rf"(?P<scheme>https?)://{HOST}([/?#].*)?", re.IGNORECASE | re.DOTALL)
"""Plain ones only: what one program reads otherwise than the next (`http://a\\@b`) is none."""
LISTED = re.compile(rf"((?P<scheme>https?)://)?{HOST}/?", re.IGNORECASE)

PORTS = {"http": 80, "https": 443}


class AllowedError(Exception):
    """ALLOW_TARGETS cannot be read; the message says what it must be."""


class Origin(NamedTuple):
    """A host; with any scheme and port where they are None."""

    scheme: str | None
    host: str
    port: int | None

    def has(self, other: Origin) -> bool:
        """Whether `other`, of which all is known, is meant too."""
        return (
            self.host == other.host
            and self.scheme in (None, other.scheme)
            and self.port in (None, other.port)
        )


class Allowed:
    """The targets of one cluster."""

    def __init__(self, listed: str, own: Callable[[], Iterable[str | None]] = tuple) -> None:
        """`listed`: hosts and origins, comma separated; `own`: addresses that need not be listed, asked anew
        each time. Raises AllowedError.
        """
        self._listed = [_listed(entry.strip()) for entry in listed.split(",") if entry.strip()]
        self._own = own

    def allows(self, address: str) -> bool:
        """Whether users may be sent to an address."""
        own = {mine.rstrip("/") for mine in self._own() if mine}
        if address.rstrip("/") in own:
            return True
        asked = origin(address)
        known = [*self._listed, *filter(None, map(origin, own))]
        return asked is not None and any(each.has(asked) for each in known)

    def allows_redirect(self, here: str, there: str) -> bool:
        """Whether who asks `here` may follow it to `there`: on the same host, or an allowed one."""
        before, after = origin(here), origin(there)
        same = before is not None and after is not None and before.host == after.host
        return same or self.allows(there)


def origin(address: str) -> Origin | None:
    """What an address points at; None for what is no plain one."""
    found = ADDRESS.fullmatch(address)
    return found and _origin(found)


def _listed(entry: str) -> Origin:
    found = LISTED.fullmatch(entry)
    if not found:
        raise AllowedError(
            f"ALLOW_TARGETS must be hosts such as staging.example.com or http://localhost:9000, "
            f"separated by commas, not '{entry}'"
        )
    return _origin(found)


def _origin(found: re.Match[str]) -> Origin:
    scheme, port = found["scheme"] and found["scheme"].lower(), found["port"]
    return Origin(scheme, found["host"].lower().rstrip("."), int(port) if port else PORTS.get(scheme or ""))

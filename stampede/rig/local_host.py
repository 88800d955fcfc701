"""Checks of a HOST on this machine: whether a server listens there that is not the cluster's own.

And whether containers can reach it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from stampede.own_ports import REFUSED, OwnPorts
from stampede.rig import UsageError

NAMES = ("localhost", "127.0.0.1", "::1")

TIMEOUT = 2.0
"""Seconds for a connection to this machine."""


def is_local(host: str) -> bool:
    """Return whether a URL is on this machine."""
    return urlsplit(host).hostname in NAMES


def refuse_closed(host: str | None) -> None:
    """Raise UsageError if `host` is on this machine and refuses connections: before a cluster is started."""
    if host and is_local(host) and not _accepts(host):
        raise UsageError(f"HOST: {host} refuses connections: start the API first")


def refuse_own(host: str | None, ports: Iterable[int]) -> None:
    """Raise UsageError if `host` is one of these ports of this machine, on which the cluster listens."""
    if host is None:
        return
    if OwnPorts(here=ports).include(str(urlsplit(host).hostname), _port(host)):
        raise UsageError(f"HOST: {host} {REFUSED}")


def explain(error: UsageError, host: str | None, runtime: str) -> UsageError:
    """Return an error that says what to do where only containers cannot reach a `host` of this machine."""
    is_unreachable = "does not answer the cluster" in str(error)
    if not is_unreachable or runtime != "compose" or not host or not is_local(host):
        return error
    return UsageError(
        f"{host} answers on this machine, but containers cannot reach it: let the API listen on 0.0.0.0, "
        "or use RUNTIME=local"
    )


def _accepts(host: str) -> bool:
    parts = urlsplit(host)
    try:
        socket.create_connection((str(parts.hostname), _port(host)), TIMEOUT).close()
    except ConnectionRefusedError:
        return False
    except OSError:  # such as a time-out: the master's own probe decides
        return True
    return True


def _port(host: str) -> int:
    parts = urlsplit(host)
    return parts.port or (443 if parts.scheme == "https" else 80)

"""The ports that the cluster itself listens on: they are never a target, by any name of their machine.

The rig writes them into STAMPEDE_OWN_PORTS, as ``localhost:8089 localhost:5557``. Needs nothing but Python.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

VARIABLE = "STAMPEDE_OWN_PORTS"

HERE = "localhost"
"""Stands for the machine, or the container, on which this process runs."""

REFUSED = "is a port of this cluster, which is never a target: set another HOST"
"""What is wrong with such a HOST."""

ENTRY = re.compile(r"(?P<host>\S+):(?P<port>\d{1,5})", re.ASCII)


class OwnPorts:
    """The ports of one cluster."""

    def __init__(self, listed: str = "", here: Iterable[int] = ()) -> None:
        """Read `listed`, the value of STAMPEDE_OWN_PORTS, and add the ports `here`. Raises nothing."""
        entries = (ENTRY.fullmatch(entry) for entry in listed.split())
        self._ports = {(entry["host"], int(entry["port"])) for entry in entries if entry}
        self._ports |= {(HERE, port) for port in here}

    def include(self, host: str, port: int) -> bool:
        """Return whether a host and a port are the cluster's own. Names are resolved for such a port only."""
        names = {name for name, own in self._ports if own == port}
        if not names or host in names:
            return bool(names)
        addresses = _addresses(host)
        if HERE in names and any(map(_is_here, addresses)):
            return True
        return any(addresses & _addresses(name) for name in names - {HERE})


def _addresses(host: str) -> set[str]:
    """Return the IP addresses of a host; none for a name that is unknown."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(address[0]) for *_, address in found}


def _is_here(address: str) -> bool:
    """Return whether an IP address is one of this machine's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if ip.is_loopback or ip.is_unspecified:
        return True
    with socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6) as probe:
        try:
            probe.bind((str(ip), 0))
        except OSError:
            return False
    return True

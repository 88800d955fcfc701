"""Networks that can be cut: a namespace of its own for a worker, joined to this machine by two links.

One leads to the master and is cut, the other to the target and stays: as in Compose, where a worker is
on the network `cluster` and on the network `shop`.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

_numbers = itertools.count(os.getpid() * 16)
"""Of networks: whoever runs at the same time on this machine has others."""

NETWORKS = 1 << 14
"""Networks of four addresses in a 16-bit block."""


@dataclass(frozen=True, slots=True)
class Links:
    """A namespace and the addresses of this machine that are seen from there."""

    namespace: str
    cluster: str
    """Address to reach the master at."""
    shop: str
    """Address to reach the target at."""

    def inside(self, command: list[str]) -> list[str]:
        """The command, to be run in the namespace; the process's id stays what it is."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def cut(self) -> None:
        """Take the cable to the master out."""
        _ip("-n", self.namespace, "link", "set", "cluster", "down")

    def mend(self) -> None:
        """Put it in again."""
        _ip("-n", self.namespace, "link", "set", "cluster", "up")


def missing() -> str | None:
    """What this machine lacks to have links; None where it has all."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("ip"):
        return "needs `ip` (iproute2)"
    probe = f"stampede-{next(_numbers)}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        return "needs the right to make network namespaces"
    _ip("netns", "delete", probe)
    return None


@contextmanager
def laid() -> Iterator[Links]:
    """Links that are there until the end of the block, and up."""
    number = next(_numbers) % NETWORKS
    namespace = f"stampede-{number}"
    with ExitStack() as undo:
        _ip("netns", "add", namespace)
        # With it go the links: of a pair of ends none is left alone.
        undo.callback(_ip, "netns", "delete", namespace)
        addresses = [_join(namespace, name, block, number) for name, block in (("cluster", 18), ("shop", 19))]
        yield Links(namespace, *addresses)


def _join(namespace: str, name: str, block: int, number: int) -> str:
    """A link into the namespace; returns this machine's address on it."""
    # 198.18.0.0/15 is set aside for tests of networks: nobody is routed there (RFC 2544).
    network = f"198.{block}.{number >> 6}"
    ours, theirs = (f"{network}.{(number & 63) * 4 + end}" for end in (1, 2))
    device = f"st{number}{name[0]}"
    _ip("link", "add", device, "type", "veth", "peer", "name", name, "netns", namespace)
    _ip("address", "add", f"{ours}/30", "dev", device)
    _ip("-n", namespace, "address", "add", f"{theirs}/30", "dev", name)
    _ip("link", "set", device, "up")
    _ip("-n", namespace, "link", "set", name, "up")
    return ours


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)

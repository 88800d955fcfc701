"""How long a login waits before its password is checked. Pure: callers pass the time.

Guessing is slow, as tries of one address are checked one after another. A right password is checked too,
after a wait of at most PATIENCE: wrong tries lock nobody out.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field

PATIENCE = 5.0
"""Longest wait of a try, in seconds. A try that would wait longer is refused, and counts as none."""

FORGOTTEN_AFTER = 900.0
"""Seconds without a try after which the count starts again at 0."""

MAX_DOUBLINGS = 10
"""Limit of the exponent: a float would overflow at 1,024."""

MAX_ADDRESSES = 10_000
"""The highest number of addresses that are remembered."""


@dataclass(slots=True)
class Turns:
    """The tries that wait for each other: those of one address, or of all unknown addresses.

    The first `free` ones do not wait. After them a try is checked `pause` seconds after the one before it,
    and each one doubles that, up to `longest`.
    """

    free: int
    pause: float
    longest: float
    tries: int = 0
    last: float = 0.0
    """When the newest try is checked."""

    def wait(self, now: float) -> float:
        """Return the seconds until a try would be checked."""
        if self.tries < self.free or self.is_forgotten(now):
            return 0.0
        pause = min(self.pause * 2.0 ** min(self.tries - self.free, MAX_DOUBLINGS), self.longest)
        return max(0.0, self.last + pause - now)

    def take(self, now: float, wait: float) -> None:
        """Count a try that is checked after `wait` seconds."""
        self.tries = 1 if self.is_forgotten(now) else self.tries + 1
        self.last = now + wait

    def is_forgotten(self, now: float) -> bool:
        """Return whether the newest try is so long ago that the count starts again."""
        return now - self.last > FORGOTTEN_AFTER


@dataclass(slots=True)
class LoginLimiter:
    """The turns of each address, and those of all addresses that have not logged in yet.

    The second limit is for guesses from very many addresses. It does not hold up those that have logged in.
    """

    unknown: Turns = field(default_factory=lambda: Turns(free=50, pause=0.1, longest=0.1))
    by_address: OrderedDict[str, Turns] = field(default_factory=OrderedDict)
    known: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Addresses that have logged in."""

    def take(self, address: str, now: float) -> tuple[float, bool]:
        """Return the seconds until a try is checked, and whether it will be: else it is refused."""
        group = network(address)
        own = self._turns(group)
        queues = [own] if group in self.known else [own, self.unknown]
        wait = max(turns.wait(now) for turns in queues)
        if wait > PATIENCE:
            return wait, False
        for turns in queues:
            turns.take(now, wait)
        return wait, True

    def succeeded(self, address: str) -> None:
        """Forget the tries of an address that has logged in."""
        group = network(address)
        self.by_address.pop(group, None)
        self.known[group] = None
        _keep_newest(self.known)

    def _turns(self, group: str) -> Turns:
        turns = self.by_address.setdefault(group, Turns(free=5, pause=1.0, longest=4.0))
        self.by_address.move_to_end(group)
        _keep_newest(self.by_address)
        return turns


def _keep_newest(addresses: OrderedDict[str, Turns] | OrderedDict[str, None]) -> None:
    if len(addresses) > MAX_ADDRESSES:
        addresses.popitem(last=False)


def network(address: str) -> str:
    """Return what counts as one address: of IPv6 a /64 network, which is what one client has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))

"""The wait between two login attempts, after wrong passwords. Pure: callers pass the time."""

from __future__ import annotations

from dataclasses import dataclass, field

FORGOTTEN_AFTER = 900.0
"""Seconds without a wrong try after which the count starts again at 0."""

MOST_DOUBLINGS = 60
"""Limit of the exponent: a float overflows at 1,024 doublings; 60 exceed every longest wait."""


@dataclass(slots=True)
class Tries:
    """The wrong tries of one address, or of all together.

    The first `free` ones cause no wait. After them the wait is one second, and each wrong try doubles it.
    """

    free: int
    longest: float
    """The longest wait, in seconds."""
    wrong: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next try is accepted."""
        if self.wrong < self.free:
            return 0.0
        wait = min(2.0 ** min(self.wrong - self.free, MOST_DOUBLINGS), self.longest)
        return max(0.0, self.last + wait - now)

    def failed(self, now: float) -> None:
        """Count a wrong try."""
        self.wrong = 1 if self.is_forgotten(now) else self.wrong + 1
        self.last = now

    def is_forgotten(self, now: float) -> bool:
        """Return whether the last wrong try is so long ago that the count starts again."""
        return now - self.last > FORGOTTEN_AFTER


@dataclass(slots=True)
class LoginLimiter:
    """The wrong tries by address, and of all addresses together: a client with many addresses waits too."""

    all: Tries = field(default_factory=lambda: Tries(free=25, longest=60.0))
    by_address: dict[str, Tries] = field(default_factory=dict)

    def wait(self, address: str, now: float) -> float:
        """Return the seconds until a try from the address is accepted."""
        own = self.by_address.get(address)
        return max(self.all.wait(now), own.wait(now) if own else 0.0)

    def failed(self, address: str, now: float) -> None:
        """Count a wrong try from the address."""
        self.by_address = {other: t for other, t in self.by_address.items() if not t.is_forgotten(now)}
        self.by_address.setdefault(address, Tries(free=5, longest=300.0)).failed(now)
        self.all.failed(now)

    def succeeded(self, address: str) -> None:
        """Forget the wrong tries of an address that has logged in."""
        self.by_address.pop(address, None)

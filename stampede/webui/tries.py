"""How often somebody may try a password. Pure: the time is told."""

from __future__ import annotations

from dataclasses import dataclass, field

FORGOTTEN_AFTER = 900.0
"""Seconds without a wrong try."""

MOST_DOUBLINGS = 60
"""Far beyond any longest wait; 1,024 are more than a float can hold."""


@dataclass(slots=True)
class Tries:
    """Wrong tries of one, or of all together: some are free, then each doubles the wait, from a second on."""

    free: int
    longest: float
    """Seconds."""
    wrong: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next try is looked at."""
        if self.wrong < self.free:
            return 0.0
        wait = min(2.0 ** min(self.wrong - self.free, MOST_DOUBLINGS), self.longest)
        return max(0.0, self.last + wait - now)

    def failed(self, now: float) -> None:
        """One more was wrong."""
        self.wrong = 1 if self.is_forgotten(now) else self.wrong + 1
        self.last = now

    def is_forgotten(self, now: float) -> bool:
        """Whether it has been quiet for so long that counting begins anew."""
        return now - self.last > FORGOTTEN_AFTER


@dataclass(slots=True)
class Doorkeeper:
    """The tries of everybody, by address and all together: who has many addresses waits too."""

    all: Tries = field(default_factory=lambda: Tries(free=25, longest=60.0))
    by_address: dict[str, Tries] = field(default_factory=dict)

    def wait(self, address: str, now: float) -> float:
        """Seconds until a try from there is looked at."""
        own = self.by_address.get(address)
        return max(self.all.wait(now), own.wait(now) if own else 0.0)

    def failed(self, address: str, now: float) -> None:
        """A wrong try."""
        self.by_address = {known: t for known, t in self.by_address.items() if not t.is_forgotten(now)}
        self.by_address.setdefault(address, Tries(free=5, longest=300.0)).failed(now)
        self.all.failed(now)

    def succeeded(self, address: str) -> None:
        """Who knows it may mistype again."""
        self.by_address.pop(address, None)

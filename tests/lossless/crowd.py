"""How many users are there, as the target sees them. Pure.

A user is there from its first request to its last. One that finishes what it has asked, and will ask
no more, is not: who is told to stop does not count twice while somebody else takes its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.lossless.target import Request


class Crowd:
    """The users of a cluster. Moments are seconds of the clock of the requests."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._lives: dict[str, tuple[float, float]] = {}
        for request in requests:
            first, last = self._lives.get(request.user, (request.arrived, request.arrived))
            self._lives[request.user] = min(first, request.arrived), max(last, request.arrived)

    def at(self, moment: float) -> int:
        """How many are there; who has yet to ask again is not known to be, so look two seconds back."""
        return sum(first <= moment <= last for first, last in self._lives.values())

    def by_worker(self, moment: float) -> dict[str, int]:
        """How many are there of each worker."""
        return dict(
            Counter(
                user.partition("-")[0]
                for user, (first, last) in self._lives.items()
                if first <= moment <= last
            )
        )

    def highest(self, start: float, end: float) -> int:
        """The most that were there at once."""
        return max(count for _, count in self._steps(start, end))

    def lowest(self, start: float, end: float) -> int:
        """The fewest that were there at once."""
        return min(count for _, count in self._steps(start, end))

    def longest_over(self, limit: int, start: float, end: float) -> float:
        """Seconds of the longest time in which more than `limit` were there."""
        longest, since = 0.0, None
        for moment, count in [*self._steps(start, end), (end, 0)]:
            if count > limit:
                since = moment if since is None else since
            elif since is not None:
                longest, since = max(longest, moment - since), None
        return longest

    def seconds_until(self, count: int, start: float, end: float) -> float | None:
        """Seconds from `start` until so many are there; None where they never are before `end`."""
        return next((moment - start for moment, there in self._steps(start, end) if there >= count), None)

    def there_until(self, worker: str, end: float) -> float:
        """The last moment before `end` at which a user of this worker was there."""
        return max(
            min(last, end)
            for user, (first, last) in self._lives.items()
            if user.partition("-")[0] == worker and first <= end
        )

    def _steps(self, start: float, end: float) -> Iterator[tuple[float, int]]:
        """Each moment at which the number changes, and what it is from then on; `start` is the first."""
        changes = [(first, 1) for first, _ in self._lives.values()]
        # The moment of the last request is still its user's.
        changes += [(last, -1) for _, last in self._lives.values()]
        there = 0
        steps = [(start, 0)]
        for moment, change in sorted(changes, key=lambda each: (each[0], -each[1])):
            there += change
            if moment <= start:
                steps[0] = (start, there)
            elif moment <= end:
                steps.append((moment, there))
        yield from steps

"""Users that ended by themselves: by an exception, StopUser or StopTest. Counted by second and cause."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from stampede.counting.readable import text
from stampede.counting.steps import Part, Steps
from stampede.facts.run_json import EndedUsers as EndedUsersFacts

KEY = "stampede_ended_users"
"""The key of the counts in a worker's report."""

MAX_CAUSES = 50
"""Different causes that are told apart."""

OTHERS = "other causes"


class EndedUsers:
    """The counts of one worker since its last report; on the master, of all workers in a run."""

    def __init__(self, steps: Steps | None = None) -> None:
        """Begin without users. `steps` are those of the run's older seconds."""
        self._steps = steps or Steps()
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._counts: Counter[tuple[int, str]] = Counter()
        self._causes: set[str] = set()

    def count(self, cause: str) -> None:
        """Count a user that has just ended."""
        self._add(int(time.time()), text(cause), 1)

    def _add(self, second: int, cause: str, count: int) -> None:
        if len(self._causes) < MAX_CAUSES:
            self._causes.add(cause)
        self._counts[second, cause if cause in self._causes else OTHERS] += count

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's report."""
        report[KEY] = [(second, cause, count) for (second, cause), count in self._counts.items()]
        self._counts.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        for second, cause, count in report[KEY]:
            part = self._steps.part_of(second)
            self._add(part.first if part else second, cause, count)

    def merge(self, part: Part) -> None:
        """Merge the seconds of a new part: stampede/counting/steps.py."""
        self._move(part, part.first)

    def join(self, part: Part, other: Part) -> None:
        """Add the users of another part to a part."""
        self._move((other.first,), part.first)

    def _move(self, seconds: Iterable[int], to: int) -> None:
        moved = {*seconds} - {to}
        for second, cause in [key for key in self._counts if key[0] in moved]:
            self._counts[to, cause] += self._counts.pop((second, cause))

    def facts(self) -> list[EndedUsersFacts]:
        """Return the counts of the run, in the order of their seconds."""
        return [
            EndedUsersFacts(second=second, cause=cause, users=users)
            for (second, cause), users in sorted(self._counts.items())
        ]

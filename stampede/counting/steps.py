"""Older seconds of a run, merged into steps: a long run needs no more memory than a short one. Pure.

The newest ten minutes are kept second by second. Older seconds are merged into steps of CHUNK seconds. There
are at most MOST_STEPS: in a longer run two neighbours become one, the oldest of the shortest ones first.

A step has a part for each use of its seconds. So what the verdict uses, and what it does not use (the ramp,
seconds in which users move), is never added up. All series of a run have the same parts: times, outcomes,
samples and so on. Each part is known by its first second, as if all of it had happened in that second. A
selection of seconds that includes the first second of a part includes the part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

RECENT = 600
"""Newest seconds that are not merged."""

CHUNK = 16
"""Seconds that are merged at a time: the length of the shortest step."""

MOST_STEPS = 128

Use = Hashable
"""What a second is used for. Seconds with different uses are not added up."""


@dataclass(slots=True)
class Part:
    """Seconds of a step that are used for the same."""

    use: Use
    spans: list[range]
    """The seconds, in their order."""

    @property
    def first(self) -> int:
        """Return the first second, by which the part is known."""
        return self.spans[0].start

    def __iter__(self) -> Iterator[int]:
        """Yield the seconds of the part."""
        return (second for span in self.spans for second in span)

    def __len__(self) -> int:
        """Return the number of its seconds."""
        return sum(map(len, self.spans))

    def __contains__(self, second: object) -> bool:
        """Return whether a second is in the part."""
        return any(second in span for span in self.spans)

    def extend(self, spans: list[range]) -> None:
        """Add later seconds."""
        for span in spans:
            if self.spans and self.spans[-1].stop == span.start:
                self.spans[-1] = range(self.spans[-1].start, span.stop)
            else:
                self.spans.append(span)


class Series(Protocol):
    """Something that is kept second by second, such as the outcomes of a run."""

    def merge(self, part: Part) -> None:
        """Merge what is kept of the seconds of a new part: from now on it is that of its first second."""

    def join(self, part: Part, other: Part) -> None:
        """Add what is kept of another part to a part; afterwards there is nothing of the other one."""


@dataclass(slots=True)
class _Step:
    start: int
    length: int
    parts: dict[Use, Part] = field(default_factory=dict)


class Steps:
    """The steps of one run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all steps, and all series, at the start of a run."""
        self._series: list[Series] = []
        self._steps: list[_Step] = []
        self.end = 0
        """The second after the last step; 0 before the first one."""

    def add_series(self, series: Series) -> None:
        """Merge a series in this run, from its beginning."""
        self._series.append(series)

    def due(self, begin: int, now: int) -> Iterator[range]:
        """Yield the chunks that are to be merged now, in a run whose first second is `begin`."""
        start = self.end or begin
        while (end := (start // CHUNK + 1) * CHUNK) <= now - RECENT:
            yield range(start, end)
            start = end

    def merge(self, chunk: range, use: Callable[[int], Use]) -> None:
        """Merge a chunk. `use` returns what a second is used for."""
        step = _Step(chunk.start // CHUNK * CHUNK, CHUNK)
        for second in chunk:
            span = range(second, second + 1)
            of_second = use(second)
            if of_second in step.parts:
                step.parts[of_second].extend([span])
            else:
                step.parts[of_second] = Part(of_second, [span])
        for part in step.parts.values():
            for series in self._series:
                series.merge(part)
        self._steps.append(step)
        self.end = chunk.stop
        if len(self._steps) > MOST_STEPS:
            self._join_two()

    def _join_two(self) -> None:
        """Make one step of two that are halves of a longer one: the oldest of the shortest ones."""
        place = min(filter(self._are_halves, range(len(self._steps) - 1)), key=self._length)
        step, other = self._steps[place], self._steps.pop(place + 1)
        step.length *= 2
        for use, part in other.parts.items():
            if use not in step.parts:
                step.parts[use] = part
                continue
            for series in self._series:
                series.join(step.parts[use], part)
            step.parts[use].extend(part.spans)

    def _length(self, place: int) -> int:
        return self._steps[place].length

    def _are_halves(self, place: int) -> bool:
        step, other = self._steps[place : place + 2]
        return step.length == other.length and step.start % (2 * step.length) == 0

    @property
    def longest(self) -> int:
        """Return the length of the longest step, in seconds; 1 without steps."""
        return max((step.length for step in self._steps), default=1)

    def part_of(self, second: int) -> Part | None:
        """Return the part that a second was merged into; None where it was not."""
        if second >= self.end:
            return None
        place = bisect_right(self._steps, second, key=lambda step: step.start) - 1
        if place < 0:
            return None
        return next((part for part in self._steps[place].parts.values() if second in part), None)

    @property
    def parts(self) -> list[Part]:
        """Return all parts, in the order of their first seconds."""
        return sorted((part for step in self._steps for part in step.parts.values()), key=lambda p: p.first)

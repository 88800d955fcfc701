"""Finds the worst span of so many seconds in a row, for targets such as `p95 < 300ms for 10s`. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from copy import copy
from math import inf

from stampede.facts.target import Reading, Target
from stampede.targets.evaluating import badness, evaluate
from stampede.targets.evidence import UNANSWERED, Counted

NOTHING: Counted = Counter()


class Spans:
    """The spans of one target, of each of its sources, as far as their seconds were added."""

    def __init__(self, target: Target, length: int) -> None:
        self._blank = _Spans(target, length)
        """The spans of a source that has had no request so far."""
        self._sources: dict[str, _Spans] = {}

    def add(self, second: int, counts: Mapping[str, Counted]) -> None:
        """Add the counts of the next second, by source. A second that is left out ends all spans."""
        for name in counts.keys() - self._sources.keys():
            self._sources[name] = copy(self._blank)
        for name, spans in self._sources.items():
            spans.add(second, counts.get(name, NOTHING))
        self._blank.add(second, NOTHING)

    def worst(self, names: Iterable[str]) -> dict[str, Reading]:
        """Return the reading of the worst span of each source. There must have been a whole span."""
        return {name: self._sources.get(name, self._blank).worst() for name in names}


class _Spans:
    """The spans of one source.

    A span with too few answers for a percentile is not skipped: few answers may mean a slow API. It is the
    worst where its slowest answer is beyond the limit, and no span with enough answers is. A request without
    an answer counts as slower than all others here.
    """

    def __init__(self, target: Target, length: int) -> None:
        self._target, self._length = target, length
        self._begin(0)
        self._most = Reading(None, -1, "there was no whole span")
        """Of the spans whose figure is not known: the reading of the most requests."""
        self._worst: Reading | None = None
        """Of the spans whose figure is known: the worst."""
        self._slow: Reading | None = None
        """The first reading without a figure whose slowest answer is beyond the limit."""

    def _begin(self, second: int) -> None:
        """Begin a row of seconds."""
        self._start = self._next = second
        self._seconds: deque[tuple[int, Counted]] = deque()
        """The seconds of the newest span in which something was counted."""
        self._counts: Counted = Counter()
        """The counts of the newest span."""

    def __copy__(self) -> _Spans:
        """Return a copy. Nothing was counted in any second of the original: there are no counts to copy."""
        made = _Spans(self._target, self._length)
        made._begin(self._start)
        made._next, made._most, made._worst, made._slow = self._next, self._most, self._worst, self._slow
        return made

    def add(self, second: int, counts: Counted) -> None:
        if second != self._next:
            self._begin(second)
        self._next = second + 1
        is_other = self._move(second, counts)
        if is_other or self._next - self._start == self._length:
            self._evaluate()

    def _move(self, second: int, counts: Counted) -> bool:
        """Move the span to this second. Return whether it is a whole one with other counts than the last."""
        if counts:
            self._seconds.append((second, counts))
            self._counts += counts
        is_other = bool(counts)
        while self._seconds and self._seconds[0][0] <= second - self._length:
            self._counts -= self._seconds.popleft()[1]
            is_other = True
        return is_other and self._next - self._start >= self._length

    def _evaluate(self) -> None:
        reading = evaluate(self._target, self._counts, self._length)
        if reading.actual is None:
            self._note_unknown(reading)
        elif self._worst is None or badness(self._target, reading) > badness(self._target, self._worst):
            self._worst = reading

    def _note_unknown(self, reading: Reading) -> None:
        if reading.count > self._most.count:
            self._most = reading
        slowest = inf if self._counts[UNANSWERED] else max(self._counts, default=0)
        if self._slow is None and reading.count and not self._target.is_met_by(slowest):
            self._slow = reading

    def worst(self) -> Reading:
        """Return the reading of the worst span so far."""
        if self._worst is None:
            return self._most
        if self._slow is None or not self._target.is_met_by(self._worst.actual or 0.0):
            return self._worst
        return self._slow

"""Finds the worst span of so many seconds in a row, for targets such as `p95 < 300ms for 10s`. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from math import ceil, inf
from typing import Any

from msgspec import msgpack

from stampede.facts.target import Kind, Reading, Target
from stampede.targets.evaluating import badness, evaluate
from stampede.targets.evidence import UNANSWERED, Counted, Evidence

NOTHING: Counted = Counter()

MOST_MOVES = 600
"""Moves by which a span passes over its own length."""


class Older:
    """The spans of all targets of a run that have them, as far as their seconds are merged."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._spans = {target: Spans(target) for target in targets if target.seconds}

    def add(self, evidence: Evidence, seconds: Sequence[int], pause: Callable[[], None]) -> None:
        """Add seconds that are about to be merged, if they count in the window.

        `pause` is called after each second: with many routes, a second takes some milliseconds.
        """
        for target, spans in self._spans.items():
            fetch = evidence.fetch(target)
            for second in seconds:
                spans.add(second, fetch([second]))
                pause()

    def spans_of(self, target: Target) -> Spans:
        """Return the spans of a target so far."""
        return self._spans[target]


class Spans:
    """The spans of one target, of each of its sources, as far as their seconds were added."""

    def __init__(self, target: Target) -> None:
        self._blank = _Spans(target, target.seconds or 1)
        """The spans of a source that has had no request so far."""
        self._sources: dict[str, _Spans] = {}
        self.end = 0
        """The second after the last one that was added."""

    def add(self, second: int, counts: Mapping[str, Counted]) -> None:
        """Add the counts of the next second, by source. A second that is left out ends all spans."""
        for name in counts.keys() - self._sources.keys():
            self._sources[name] = copy(self._blank)
        for name, spans in self._sources.items():
            spans.add(second, counts.get(name, NOTHING))
        self._blank.add(second, NOTHING)
        self.end = second + 1

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
        self._target = target
        self._is_time_below = target.figure.kind is Kind.TIME and target.operator in ("<", "<=")
        self._newest = Newest(length)
        self._most = Reading(None, -1, "there was no whole span")
        """Of the spans whose figure is not known: the reading of the most requests."""
        self._worst: Reading | None = None
        """Of the spans whose figure is known: the worst."""
        self._slow: Reading | None = None
        """The first reading without a figure whose slowest answer is beyond the limit."""

    def __copy__(self) -> _Spans:
        made = _Spans(self._target, self._newest.length)
        made._newest = copy(self._newest)
        made._most, made._worst, made._slow = self._most, self._worst, self._slow
        return made

    def add(self, second: int, counts: Counted) -> None:
        if self._newest.add(second, counts):
            self._evaluate(self._newest.counts)

    def _evaluate(self, counts: Counted) -> None:
        if self._is_none_slower(counts):
            return
        reading = evaluate(self._target, counts, self._newest.length)
        if reading.actual is None:
            self._note_unknown(reading, counts)
        elif self._worst is None or badness(self._target, reading) > badness(self._target, self._worst):
            self._worst = reading

    def _is_none_slower(self, counts: Counted) -> bool:
        """Return whether no answer is slower than the figure of the worst span: then this span is not worse.

        This is much faster than a percentile. If the span has too few answers for one, it does not matter:
        its slowest answer is only beyond the limit where the worst figure is beyond it, too.
        """
        if not self._is_time_below or self._worst is None or UNANSWERED in counts:
            return False
        return max(counts, default=0.0) <= (self._worst.actual or 0.0)

    def _note_unknown(self, reading: Reading, counts: Counted) -> None:
        if reading.count > self._most.count:
            self._most = reading
        slowest = inf if counts[UNANSWERED] else max(counts, default=0)
        if self._slow is None and reading.count and not self._target.is_met_by(slowest):
            self._slow = reading

    def worst(self) -> Reading:
        """Return the reading of the worst span so far."""
        if self._worst is None:
            return self._most
        if self._slow is None or not self._target.is_met_by(self._worst.actual or 0.0):
            return self._worst
        return self._slow


class Newest:
    """The newest span of so many seconds in a row.

    It moves by a second; if it is longer than MOST_MOVES seconds, by several: what it keeps has a limit.
    """

    def __init__(self, length: int) -> None:
        self.length = length
        self._stride = ceil(length / MOST_MOVES)
        self._begin(0)

    def _begin(self, second: int) -> None:
        """Begin a row of seconds."""
        self._start = self._next = second
        self._kept: deque[tuple[int, bytes]] = deque()
        """What was counted in the span, by the last second of each move."""
        self._moving: Counted = Counter()
        """The counts since the last move."""
        self.counts: Counted = Counter()
        """The counts of the span."""

    def __copy__(self) -> Newest:
        """Return a copy of a span in which nothing was counted: there are no counts to copy."""
        made = Newest(self.length)
        made._begin(self._start)
        made._next = self._next
        return made

    def add(self, second: int, counts: Counted) -> bool:
        """Add a second. Return whether the span is a new one: whole, and with other counts than before."""
        if second != self._next:
            self._begin(second)
        self._next = second + 1
        _add(self._moving, counts)
        past = self._next - self._start
        if past % self._stride and past != self.length:
            return False
        return (self._move(second) or past == self.length) and past >= self.length

    def _move(self, second: int) -> bool:
        """Move the span to this second. Return whether its counts have changed."""
        is_other = bool(self._moving)
        if is_other:
            self._kept.append((second, msgpack.encode(self._moving)))
            _add(self.counts, self._moving)
            self._moving = Counter()
        while self._kept and self._kept[0][0] <= second - self.length:
            _remove(self.counts, msgpack.decode(self._kept.popleft()[1], strict=False))
            is_other = True
        return is_other


# These are much faster than += and -= of Counter, which go through all counts again.


def _add(counts: Counted, added: Mapping[Any, int]) -> None:
    for key, number in added.items():
        counts[key] = counts.get(key, 0) + number


def _remove(counts: Counted, removed: Mapping[Any, int]) -> None:
    for key, number in removed.items():
        if counts[key] > number:
            counts[key] -= number
        else:
            del counts[key]

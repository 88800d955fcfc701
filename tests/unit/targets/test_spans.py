"""The worst span of so many seconds is found second by second, as if all spans were evaluated at the end."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from stampede.facts.target import Reading, Target
from stampede.targets import parser
from stampede.targets.evaluating import badness, evaluate
from stampede.targets.evidence import UNANSWERED, Counted
from stampede.targets.spans import MOST_MOVES, Newest, Spans

SECONDS = 60
FIRST = 1_000
GAP = range(1_030, 1_033)
"""Seconds in which workers join: no span has them."""


def target(text: str) -> Target:
    (found,) = parser.parse(text)
    return found


def some_counts(chance: random.Random) -> Counted:
    """Requests of one source in one second, by their time in ms; often none, now and then unanswered ones."""
    counts: Counted = Counter(
        chance.choices([5.0, 50.0, 120.0, 900.0], [8, 4, 2, 0.05], k=chance.randrange(5))
    )
    if chance.random() < 0.02:
        counts[UNANSWERED] = 1
    return counts


def worst_of_all(target: Target, seconds: dict[int, Counted]) -> Reading:
    """The reading of the worst span: each span is evaluated by itself."""
    length = target.seconds or 1
    spans = [range(start, start + length) for start in seconds]
    sums = [sum((seconds[s] for s in span), Counter[Any]()) for span in spans if seconds.keys() >= {*span}]
    readings = [(evaluate(target, counts, length), counts) for counts in sums]
    known = [reading for reading, _ in readings if reading.actual is not None]
    unknown = [(reading, counts) for reading, counts in readings if reading.actual is None]
    slow = [reading for reading, counts in unknown if reading.count and is_beyond(target, counts)]
    if not known:
        return max((reading for reading, _ in unknown), key=lambda reading: reading.count)
    worst = max(known, key=lambda reading: badness(target, reading))
    return slow[0] if slow and target.is_met_by(worst.actual or 0.0) else worst


def is_beyond(target: Target, counts: Counted) -> bool:
    return UNANSWERED in counts or not target.is_met_by(max(counts))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "text",
    [
        "every route p50 < 60ms for 5s",
        "every route p95 < 130ms for 4s",
        "every route p95 < 1s for 4s",
        "every route avg < 70ms for 3s",
        "every route max < 1s for 3s",
        "every route min > 1ms for 3s",
        "every route avg > 40ms for 3s",
        "p50 of GET < 60ms for 5s",
    ],
)
def test_the_worst_span_is_that_of_all(text: str, seed: int) -> None:
    """With its figure and its text. Most spans need no percentile, as no answer in them is slow."""
    chance, asked = random.Random(seed), target(text)  # noqa: S311 - guards no secret
    names = ["GET /a", "GET /b", "GET /c"]
    seconds = {
        second: {name: some_counts(chance) for name in names}
        for second in range(FIRST, FIRST + SECONDS)
        if second not in GAP
    }
    spans = Spans(asked)
    for second, counts in seconds.items():
        spans.add(second, {name: each for name, each in counts.items() if each})
    found = spans.worst(names)
    for name in names:
        assert found[name] == worst_of_all(asked, {s: counts[name] for s, counts in seconds.items()}), name


def test_a_span_is_the_sum_of_its_seconds() -> None:
    """After each move; nothing stays that was counted before it, not even a 0."""
    chance, newest, kept = random.Random(1), Newest(4), dict[int, Counted]()  # noqa: S311 - guards no secret
    for second in range(FIRST, FIRST + SECONDS):
        kept[second] = some_counts(chance)
        newest.add(second, kept[second])
        last = [kept[each] for each in range(second - 3, second + 1) if each in kept]
        assert dict(newest.counts) == dict(sum(last, Counter()))


def test_a_long_span_moves_by_several_seconds() -> None:
    newest = Newest(3 * MOST_MOVES)
    whole = [second for second in range(10_000) if newest.add(second, Counter({5.0: 1}))]
    assert whole[0] == 3 * MOST_MOVES - 1
    assert {later - earlier for earlier, later in pairwise(whole)} == {3}
    assert newest.counts.total() == 3 * MOST_MOVES

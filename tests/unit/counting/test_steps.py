"""Older seconds are merged into a limited number of steps, each with a part for each use of its seconds."""

from __future__ import annotations

from collections import Counter

import pytest

from stampede.counting import steps as steps_module
from stampede.counting.steps import CHUNK, MOST_STEPS, RECENT, Part, Steps


class Sums:
    """A series: the sum of the numbers of the seconds, by the first second of their part."""

    def __init__(self) -> None:
        self.sums: Counter[int] = Counter()

    def merge(self, part: Part) -> None:
        assert part.first not in self.sums
        self.sums[part.first] = sum(part)

    def join(self, part: Part, other: Part) -> None:
        self.sums[part.first] += self.sums.pop(other.first)


def merged(seconds: int, begin: int = 5, modulo: int = 10**9) -> tuple[Steps, Sums]:
    """The steps of a run of so many seconds. The seconds with a remainder of 0 have another use."""
    steps, sums = Steps(), Sums()
    steps.add_series(sums)
    for now in range(begin, begin + seconds):
        for chunk in steps.due(begin, now):
            steps.merge(chunk, lambda second: second % modulo > 0)
    return steps, sums


def test_the_newest_seconds_are_not_merged() -> None:
    steps, _ = merged(RECENT)
    assert (steps.parts, steps.end, steps.longest) == ([], 0, 1)
    steps, _ = merged(RECENT + 5 * CHUNK)
    assert RECENT <= 5 + RECENT + 5 * CHUNK - steps.end < RECENT + CHUNK
    assert steps.part_of(steps.end) is None
    assert steps.part_of(4) is None


@pytest.mark.parametrize("hours", [1, 5, 30])
@pytest.mark.parametrize("modulo", [10**9, 7, 1_000])
def test_each_second_is_in_one_part_of_a_limited_number(
    hours: int, modulo: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the run is; and the parts of the series are those of the steps."""
    monkeypatch.setattr(steps_module, "CHUNK", 64)  # faster
    steps, sums = merged(hours * 3600, modulo=modulo)
    parts = steps.parts
    assert sorted(second for part in parts for second in part) == [*range(5, steps.end)]
    assert len(parts) <= 2 * MOST_STEPS
    assert sums.sums == {part.first: sum(part) for part in parts}
    for part in parts:
        assert {second % modulo > 0 for second in part} == {part.use}
        assert [steps.part_of(second) for second in (part.first, [*part][-1])] == [part, part]


def test_steps_are_the_longer_the_older_they_are() -> None:
    """And about as long as they have to be."""
    hours = 30
    steps, _ = merged(hours * 3600)
    lengths = [len(part) for part in steps.parts]
    assert sorted(lengths[1:], reverse=True) == lengths[1:], "the first one begins with the run"
    assert lengths[1] == steps.longest <= 2 * hours * 3600 / MOST_STEPS


def test_a_new_run_has_no_steps_and_no_series() -> None:
    steps, sums = merged(RECENT + 100)
    steps.clear()
    before = dict(sums.sums)
    for chunk in steps.due(5, RECENT + 200):
        steps.merge(chunk, lambda _second: None)
    assert dict(sums.sums) == before

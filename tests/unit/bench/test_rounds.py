"""Rounds: every side once in each, and each side first in turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.rounds import interleaved


def test_each_round_measures_all_sides_and_begins_with_another(capsys: pytest.CaptureFixture[str]) -> None:
    """The side that is measured first may find a colder machine: it is not always the same."""
    order: list[str] = []

    def side(name: str) -> Callable[[], int]:
        def measure() -> int:
            order.append(name)
            return len(order)

        return measure

    measured = interleaved({name: side(name) for name in "abc"}, rounds=3)
    assert "".join(order) == "abcbcacab"
    assert measured == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}
    assert "round 3 of 3: b" in capsys.readouterr().out

"""Which conditions two runs do not share, and whether their figures can differ for that."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from stampede.report import conditions
from tests import runs


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"profile": "light"}, "profile"),
        ({"users": 10}, "users"),
        ({"workers": 1}, "workers"),
        ({"host": "http://elsewhere"}, "target"),
        ({"locustfile": "mine.py"}, "locustfile"),
        ({"machine": {"cores": 8}}, "machine: cores"),
        ({"window": replace(runs.window(), seconds=600)}, "window, seconds"),
        ({"window": None}, "window, seconds"),
        ({"samples": {"api": [{"second": runs.START, "cpu_limit_cores": 0.5}]}}, "CPU limit of api"),
        (
            {"samples": {"workers": {"0-a": [{"second": runs.START, "memory_limit_mb": 64.0}]}}},
            "memory limit of worker",
        ),
        (
            {"samples": {"api": [{"second": runs.START + at, "pool_size": 10.0 + 8 * at} for at in (0, 1)]}},
            "database connections of api",
        ),
    ],
)
def test_conditions_that_change_figures_are_found(changes: dict[str, Any], what: str) -> None:
    found = {each.what: each for each in conditions.differing(runs.run(), runs.run(**changes))}
    assert found[what].changes_figures


def test_targets_change_no_figures() -> None:
    """They judge a run when it is over."""
    (found,) = conditions.differing(runs.run(), runs.run(targets=[runs.target("p95", 1, 20.8)]))
    assert (found.what, found.of_a, found.of_b) == ("targets", "–", "p95 < 1ms")
    assert not found.changes_figures


@pytest.mark.parametrize(
    ("of_a", "of_b", "alike"),
    [
        (57, 58, True),
        (8, 10, True),
        (8, 11, False),
        (100, 95, True),
        (100, 94, False),
        (598, 570, True),
        (598, 560, False),
    ],
)
def test_windows_may_differ_by_chance(of_a: int, of_b: int, alike: bool) -> None:
    """By two seconds or five percent, wherever they lie."""
    a, b = (runs.run(window=replace(runs.window(), seconds=seconds)) for seconds in (of_a, of_b))
    assert [each.what for each in conditions.differing(a, b)] == ([] if alike else ["window, seconds"])


def test_a_machine_that_was_started_again_is_the_same() -> None:
    """Its kernel's id is another after each start."""
    a = runs.run()
    assert conditions.differing(a, replace(a, machine=replace(a.machine, id="another"))) == []

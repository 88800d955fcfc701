"""Figures: median, range, ratio and limit."""

from __future__ import annotations

import pytest

from bench.figures import columns, figure, ratio


def test_a_figure_has_the_median_and_the_range_of_its_values() -> None:
    """One slow round moves the range, not the median."""
    made = figure("CPU", "µs", [80.0, 79.0, 250.0, 81.0, 78.0])
    assert (made.median, made.low, made.high) == (80.0, 78.0, 250.0)


def test_a_figure_of_nothing_is_refused() -> None:
    """An empty figure would look like a measured 0."""
    with pytest.raises(ValueError, match="CPU"):
        figure("CPU", "µs", [])


@pytest.mark.parametrize(
    ("value", "required", "is_kept"),
    [(0.55, "<= 0.55", True), (0.56, "<= 0.55", False), (3.4, ">= 3.5", False), (9, "", True)],
)
def test_the_median_must_keep_the_limit(value: float, required: str, is_kept: bool) -> None:
    """The bound itself is kept."""
    assert figure("ratio", "", [value], required).is_kept is is_kept


def test_a_ratio_compares_the_sides_of_the_same_round() -> None:
    """The second round was twice as slow for both: the ratio does not change."""
    made = ratio("ours ÷ theirs", [50.0, 100.0, 52.0], [100.0, 200.0, 104.0])
    assert made.values == (0.5, 0.5, 0.5)


def test_a_ratio_needs_both_sides_of_each_round() -> None:
    """A missing round would pair different rounds."""
    with pytest.raises(ValueError, match="shorter"):
        ratio("ours ÷ theirs", [50.0, 100.0], [100.0])


def test_columns_are_the_values_of_a_name_by_round() -> None:
    """Rounds are rows, names are columns."""
    assert columns([{"a": 1.0, "b": 2.0}, {"b": 4.0, "a": 3.0}]) == {"a": [1.0, 3.0], "b": [2.0, 4.0]}


def test_columns_refuse_rounds_that_differ() -> None:
    """A figure with fewer values would be compared with other rounds."""
    with pytest.raises(ValueError, match="round"):
        columns([{"a": 1.0}, {"b": 1.0}])

"""The tables of the documents, and their places between two markers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import results, tables
from bench.figures import figure
from bench.results import Part

KEPT = figure("full speed: ours ÷ theirs", "", [0.5, 0.54, 0.52], "<= 0.55")
MISSED = figure("paced: ours ÷ theirs", "", [0.9], "<= 0.8")
PLAIN = figure("CPU of a request", "µs", [79.66, 81.0, 80.2])


def part() -> Part:
    return Part(
        title="Users",
        date="2026-12-01",
        command="make bench PART=generator",
        rounds=5,
        seconds=299,
        machine="2 cores",
        versions={"Python": "3.11"},
        notes=["One worker each."],
        figures=[PLAIN, KEPT, MISSED],
    )


def test_a_row_has_median_range_and_limit() -> None:
    """Numbers have three digits; a missed limit is marked."""
    rows = tables.table([PLAIN, KEPT, MISSED]).splitlines()[2:]
    assert rows == [
        "| CPU of a request | 80.2 µs | 79.7–81.0 |  |",
        "| full speed: ours ÷ theirs | 0.52 | 0.50–0.54 | ≤ 0.55 |",
        "| paced: ours ÷ theirs | 0.90 | 0.90–0.90 | ≤ 0.8 (missed) |",
    ]


def test_the_long_table_says_where_its_figures_come_from() -> None:
    """Command, date, rounds, length, machine and versions."""
    text = tables.all_tables({"generator": part()})
    assert text.startswith("## Users\n\nOne worker each.\n\n")
    assert "`make bench PART=generator`, 2026-12-01, 5 rounds in 299 s, 2 cores." in text
    assert "Versions: Python 3.11." in text


def test_the_short_table_has_only_figures_with_a_limit() -> None:
    """The README shows what is required."""
    assert "CPU of a request" not in tables.short_table({"generator": part()})
    assert "paced" in tables.short_table({"generator": part()})


def test_a_table_replaces_what_is_between_the_markers() -> None:
    """The text around them stays, also when it is filled again."""
    document = f"# Speed\n\n{tables.BEGIN}\nold\n{tables.END}\n\nMore.\n"
    once = tables.filled(document, "| new |")
    assert once == f"# Speed\n\n{tables.BEGIN}\n\n| new |\n\n{tables.END}\n\nMore.\n"
    assert tables.filled(once, "| new |") == once


@pytest.mark.parametrize("document", ["no marker", f"{tables.BEGIN} only", f"{tables.END} only"])
def test_a_document_without_both_markers_stays_as_it_is(document: str) -> None:
    """Half a place would swallow the rest of the document."""
    assert tables.filled(document, "| new |") == document


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """A part that is measured alone keeps the others."""
    file = tmp_path / "results.json"
    assert results.read(file) == {}
    results.write({"generator": part()}, file)
    assert results.read(file) == {"generator": part()}

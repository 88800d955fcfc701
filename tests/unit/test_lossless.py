"""What `make lossless` concludes from what the target has seen."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.lossless.crowd import Crowd
from tests.lossless.page import page
from tests.lossless.rows import ROWS
from tests.lossless.table import (
    OURS,
    STOCK,
    Figure,
    Outcome,
    as_markdown,
    as_text,
    complaints,
    lost,
    not_carried_out,
    seconds,
    users,
)
from tests.lossless.target import Request


def asked(user: str, *moments: float) -> list[Request]:
    return [Request(user, moment, moment) for moment in moments]


CROWD = Crowd([*asked("7-1", 0, 10), *asked("7-2", 1, 2, 4), *asked("8-1", 5, 9), *asked("8-2", 3, 6)])
"""How many are there: 1 at 0, 2 at 1, 3 from 3 to 4, 2 after it, 3 from 5 to 6, 2 to 9, 1 to 10."""


@pytest.mark.parametrize(
    ("moment", "there"),
    [(-1, 0), (0, 1), (1, 2), (2, 2), (3.5, 3), (4, 3), (4.5, 2), (9, 2), (10, 1), (11, 0)],
)
def test_a_user_is_there_from_its_first_request_to_its_last(moment: float, there: int) -> None:
    """Both moments included."""
    assert CROWD.at(moment) == there


def test_users_belong_to_workers() -> None:
    """By the beginning of their names."""
    assert CROWD.by_worker(5.5) == {"7": 1, "8": 2}
    assert CROWD.there_until("7", 8) == 8
    assert CROWD.there_until("8", 20) == 9


@pytest.mark.parametrize(
    ("start", "end", "lowest", "highest"),
    [(0, 10, 0, 3), (0, 2, 1, 2), (4.1, 4.9, 2, 2), (3, 8, 2, 3), (6.5, 9.5, 1, 2), (20, 30, 0, 0)],
)
def test_the_most_and_the_fewest_at_once(start: float, end: float, lowest: int, highest: int) -> None:
    """Also where nobody comes or goes between the moments."""
    assert (CROWD.lowest(start, end), CROWD.highest(start, end)) == (lowest, highest)


def test_one_who_takes_over_is_not_one_more() -> None:
    """The last request of the one comes before the first of the other, though its answer may not."""
    crowd = Crowd([Request("7-1", 0, 1), Request("7-1", 2, 3.5), *asked("8-1", 2.1, 9)])
    assert crowd.highest(0, 9) == 1


@pytest.mark.parametrize(
    ("limit", "start", "end", "longest"),
    [(3, 0, 10, 0), (2, 0, 10, 1), (1, 0, 10, 8), (1, 0, 5, 4), (2, 3.5, 3.75, 0.25)],
)
def test_how_long_too_many_are_there(limit: int, start: float, end: float, longest: float) -> None:
    """The longest time of all, also when it lasts until the end."""
    assert CROWD.longest_over(limit, start, end) == longest


@pytest.mark.parametrize(
    ("count", "start", "after"), [(3, 0, 3), (3, 4.5, 0.5), (2, 4.5, 0), (3, 7, None), (4, 0, None)]
)
def test_when_so_many_are_back(count: int, start: float, after: float | None) -> None:
    """Counted from the moment one begins to look; None where it never happens."""
    assert CROWD.seconds_until(count, start, 10) == after


@pytest.mark.parametrize(
    ("figure", "shown", "holds"),
    [
        (lost(1200, 1200), "0 of 1,200", True),
        (lost(1200, 1150), "50 of 1,200", False),
        (lost(1200, None), "1,200 of 1,200", False),  # nothing is left of the run
        (lost(0, None), "0 of 0", False),  # nothing was made
        (lost(0, 0), "0 of 0", False),
        (lost(1200, 1210), "10 counted twice", False),
        (seconds("back", 4.04, 10, 80), "4.0 s", True),
        (seconds("back", 10.1, 10, 80), "10.1 s", False),
        (seconds("back", None, 10, 80), "not in 80 s", False),
        (users("users", 30, 30), "30 of 30", True),
        (users("users", 34, 30), "34 of 30", False),
    ],
)
def test_a_figure_says_whether_it_is_what_is_due(figure: Figure, shown: str, holds: bool) -> None:
    """Too many is as wrong as too few."""
    assert (figure.shown, figure.holds) == (shown, holds)


OUTCOMES = [
    Outcome(
        "kill",
        "a worker is killed",
        {
            STOCK: [users("users", 20, 30), lost(9, 4)],
            OURS: [users("users", 30, 30), lost(9, 8)],
        },
    ),
    Outcome("cut", "a worker is cut off", {}, "needs root"),
    Outcome("stop", "a run ends", {STOCK: [not_carried_out("it hung")], OURS: [lost(9, 9)]}),
]


def test_only_ours_is_complained_of() -> None:
    """What stock Locust loses is shown; but without it there is nothing to compare with."""
    assert complaints(OUTCOMES) == [
        "kill, Stampede: requests lost: 1 of 9, due 0",
        "stop, stock Locust: carried out: no: it hung, due yes",
    ]


def test_the_table_has_both_sides_of_each_figure() -> None:
    """Also where a side has none, and where this machine cannot run the row."""
    assert as_markdown(OUTCOMES).splitlines()[2:] == [
        "| a worker is killed | users | 20 of 30 | 30 of 30 | 30 |",
        "|  | requests lost | 5 of 9 | 1 of 9 | 0 |",
        "| a worker is cut off | not measured: needs root |  |  |  |",
        "| a run ends | carried out | no: it hung | – | yes |",
        "|  | requests lost | – | 0 of 9 | 0 |",
    ]
    assert [line.split("  ")[0] for line in as_text(OUTCOMES).splitlines()] == [
        "what happens",
        "a worker is killed",
        "",
        "a worker is cut off",
        "a run ends",
        "",
    ]


def test_the_page_says_when_with_what_and_how() -> None:
    """So that a figure can be had again."""
    made = page(OUTCOMES, "2.47.0", date(2026, 1, 2))
    assert "Measured on 2026-01-02 with Locust 2.47.0." in made
    assert as_markdown(OUTCOMES) in made


def test_the_committed_page_has_the_text_that_would_be_written_today() -> None:
    """Its table and its date are of the last measurement."""
    committed = Path("docs/lossless.md").read_text()
    table = committed.split("\n\n| what happens")[1].split("\n\n")[0]
    day, version = re.findall(r"Measured on (\S+) with Locust (\S+)\. ", committed)[0]
    written = page(OUTCOMES, version, date.fromisoformat(day))
    assert written.replace(as_markdown(OUTCOMES), "| what happens" + table) == committed


def test_rows_have_names_of_their_own() -> None:
    """One is run by it."""
    assert len({row.name for row in ROWS}) == len({row.title for row in ROWS}) == len(ROWS)

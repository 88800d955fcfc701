"""What the rows have shown: figures in, a table, a page and complaints out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STOCK, OURS = "stock Locust", "Stampede"
SIDES = (STOCK, OURS)
HEAD = ("what happens", "what is measured", STOCK, OURS, "due")

CARRIED_OUT = "carried out"


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured on one side."""

    name: str
    shown: str
    due: str
    """What it has to be: for ours; of stock Locust nothing is asked."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row has shown, by side. A side without figures was not run, or could not be."""

    row: str
    title: str
    figures: Mapping[str, Sequence[Figure]]
    skipped: str | None = None
    """Why this machine cannot run it."""


def lost(made: int, counted: int | None) -> Figure:
    """Requests that the target got and the master does not know of. Where none was made nothing is shown."""
    difference = made - (counted or 0)
    shown = f"{difference:,} of {made:,}" if difference >= 0 else f"{-difference:,} counted twice"
    return Figure("requests lost", shown, "0", made > 0 and difference == 0)


def seconds(name: str, measured: float | None, at_most: float, waited: float) -> Figure:
    """A time that must not be longer than `at_most` seconds; None where `waited` were in vain."""
    shown = f"not in {waited:.0f} s" if measured is None else f"{measured:.1f} s"
    return Figure(name, shown, f"≤ {at_most:g} s", measured is not None and measured <= at_most)


def users(name: str, measured: int, target: int) -> Figure:
    """A number of users that must be the target."""
    return Figure(name, f"{measured} of {target}", str(target), measured == target)


def not_carried_out(reason: object) -> Figure:
    """All that is known of a row which came to no end."""
    return Figure(CARRIED_OUT, f"no: {reason}", "yes", False)


def complaints(outcomes: Sequence[Outcome]) -> list[str]:
    """What does not hold of ours; of stock Locust, only that there is nothing to compare with."""
    return [
        f"{outcome.row}, {side}: {figure.name}: {figure.shown}, due {figure.due}"
        for outcome in outcomes
        for side in SIDES
        for figure in outcome.figures.get(side, ())
        if not figure.holds and (side == OURS or figure.name == CARRIED_OUT)
    ]


def lines(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """The cells of the table, without its head."""
    return [cells for outcome in outcomes for cells in _lines(outcome)]


def _lines(outcome: Outcome) -> list[tuple[str, ...]]:
    if outcome.skipped:
        return [(outcome.title, f"not measured: {outcome.skipped}", "", "", "")]
    named: dict[str, Figure] = {}
    for side in SIDES:
        named |= {figure.name: figure for figure in outcome.figures.get(side, ())}
    made = [
        (name, *(_shown(outcome.figures.get(side, ()), name) for side in SIDES), figure.due)
        for name, figure in named.items()
    ]
    return [(outcome.title if number == 0 else "", *cells) for number, cells in enumerate(made)]


def _shown(figures: Sequence[Figure], name: str) -> str:
    return next((figure.shown for figure in figures if figure.name == name), "–")


def as_text(outcomes: Sequence[Outcome]) -> str:
    """The table for a console."""
    rows = [HEAD, *lines(outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """The table for a page."""
    rows = [HEAD, tuple("---" for _ in HEAD), *lines(outcomes)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)

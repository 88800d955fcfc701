"""The tables in Markdown, and the place for them in a document. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bench.figures import Figure
from bench.results import Part

BEGIN = "<!-- bench: made by `make bench` -->"
END = "<!-- /bench -->"


def filled(document: str, table: str) -> str:
    """Return the document with the table between its two markers; unchanged if it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n\n{table.strip()}\n\n{end}{after}" if begin and end else document


def all_tables(parts: Mapping[str, Part]) -> str:
    """Return a section for each part, with all its figures."""
    return "\n\n".join(_section(name, part) for name, part in parts.items())


def short_table(parts: Mapping[str, Part]) -> str:
    """Return one table of all figures that have a limit."""
    wanted = [figure for part in parts.values() for figure in part.figures if figure.required]
    return table(wanted)


def _section(name: str, part: Part) -> str:
    origin = f"`{part.command}`, {part.date}, {part.rounds} rounds in {part.seconds:.0f} s, {part.machine}."
    versions = ", ".join(f"{package} {version}" for package, version in part.versions.items())
    notes = [*part.notes, origin, f"Versions: {versions}."]
    return "\n\n".join([f"## {part.title or name}", *notes, table(part.figures)])


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table: the median and the range of each."""
    lines = ["| figure | median | range | required |", "|---|---:|---:|---:|"]
    for each in figures:
        unit = f" {each.unit}" if each.unit else ""
        spread = f"{number(each.low)}–{number(each.high)}"
        limit = each.required.replace("<=", "≤").replace(">=", "≥")
        kept = "" if each.is_kept else " (missed)"
        lines.append(f"| {each.name} | {number(each.median)}{unit} | {spread} | {limit}{kept} |")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a number with three digits, or all of its whole part."""
    if value and abs(value) < 100:
        digits = 2 if abs(value) < 10 else 1
        return f"{value:.{digits}f}"
    return f"{value:,.0f}"

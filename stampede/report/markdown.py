"""``summary.md``: the run on half a page of Markdown, for a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stampede import harmless
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Judgement, Verdict
from stampede.report import formatting, tables
from stampede.report.headline import headline
from stampede.report.hints import hints

LAMPS = {Verdict.PASS: "🟢", Verdict.FAIL: "🔴", Verdict.UNKNOWN: "🟡", Verdict.NOT_ASKED: "⚪"}
MOST_REASONS = 8
MOST_ERRORS = 5
LONGEST = 200
"""Characters of one text: an error may be a whole page."""


def summary(run: Facts, judged: Judgement) -> str:
    """Return the summary: at most 60 lines of GitHub's Markdown."""
    return "\n".join(_lines(run, judged)) + "\n"


def _lines(run: Facts, judged: Judgement) -> Iterator[str]:
    yield f"## {LAMPS[judged.verdict]} {judged.verdict}: {_text(headline(run, judged))}"
    yield ""
    yield _what(run)
    yield ""
    yield from _table(
        ("", "", "checks"),
        (
            (name.upper(), f"{LAMPS[part.verdict]} {part.verdict}", formatting.tally(part.checks))
            for name, part in judged.parts.items()
        ),
    )
    yield from _reasons(run, judged)
    names, figures = zip(*tables.key_figures(run), strict=True)
    yield from _table(names, [figures], align="--:")
    yield from _errors(run)
    yield f"Run `{run.id}`: `report.html` has the rest."


def _what(run: Facts) -> str:
    seconds = formatting.duration(run.window.seconds if run.window else None)
    left_out = formatting.left_out(run.window) if run.window else ""
    parts = [
        f"**{_text(formatting.load_name(run))}**",
        formatting.count(run.users, "user"),
        formatting.count(run.workers, "worker"),
        f"window of {seconds}{left_out}",
        f"target {_text(run.host or formatting.NONE)}",
    ]
    shared = "; generator and target share cores" if tables.shares_cores(run) else ""
    return ", ".join(parts) + shared


def _reasons(run: Facts, judged: Judgement) -> Iterator[str]:
    """Yield the checks that do not hold, each with one hint."""
    reasons = formatting.reasons(judged)
    for part, check in reasons[:MOST_REASONS]:
        name, detail = _text(formatting.title(check.name)), _text(formatting.in_words(check))
        yield f"- {LAMPS[check.verdict]} **{name}**: {detail}"
        for line in hints(run, part, check)[:1]:
            yield f"  - look here: {_text(line)}"
    if len(reasons) > MOST_REASONS:
        yield f"- and {len(reasons) - MOST_REASONS} more"
    if reasons:
        yield ""


def _errors(run: Facts) -> Iterator[str]:
    errors = tables.errors(run)
    if errors:
        rows = [(error.occurrences, error.route, error.text) for error in errors[:MOST_ERRORS]]
        yield from _table(("errors", "route", "what"), rows)


def _table(head: Iterable[object], rows: Iterable[Iterable[object]], align: str = "---") -> Iterator[str]:
    """Yield the lines of a table, and the empty line that ends it."""
    columns = [*head]
    yield _row(columns)
    yield _row([align] * len(columns))
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(_text, cells))} |"


def _text(text: object) -> str:
    """Return a text in one line, for Markdown."""
    return harmless.markdown(str(text), LONGEST)

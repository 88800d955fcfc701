"""Compares two runs: which figures differ, by how much, and which run is better.

``python -m stampede compare A B [--force] [--html FILE] [--fail-if-worse]``: A and B are folders, ids of runs
in ``results/``, or ``latest``. Without --force, runs under different conditions are refused. Needs no Locust
and no gevent. How a figure is judged is described in stampede/report/difference.py.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from stampede import harmless
from stampede.facts.run_json import Facts, FactsError, figures_of, read
from stampede.facts.verdict_json import Judgement, Verdict
from stampede.report import conditions, side_by_side
from stampede.report.conditions import Condition
from stampede.report.difference import Mark
from stampede.report.page import comparison
from stampede.report.side_by_side import Row
from stampede.verdict.verdict import verdict

RESULTS = Path("results")
CANNOT_COMPARE = 2
"""Exit code where the runs cannot be read or compared."""

IS_WORSE = 10
"""Exit code with --fail-if-worse, where a figure of B is worse: that of a missed target."""

NEWEST = 5
"""How many runs an error lists."""


def load(name: str) -> Facts:
    """Return the facts of the run in a folder, or with an id in ``results/``. Raises FactsError."""
    folder = next((path for path in (Path(name), RESULTS / name) if (path / "run.json").is_file()), None)
    if folder is None:
        raise FactsError(f"there is no run '{name}': {newest_runs()}")
    return read(folder)


def newest_runs() -> str:
    """Return the newest runs as text."""
    folders = (file.parent for file in RESULTS.glob("*/run.json"))
    ids = sorted((folder.name for folder in folders if not folder.is_symlink()), reverse=True)
    if not ids:
        return f"{RESULTS}/ has no runs, `make headless` makes one"
    return f"the newest runs are {', '.join(ids[:NEWEST])}"


def main(
    name_of_a: str,
    name_of_b: str,
    *,
    force: bool = False,
    html: Path | None = None,
    fail_if_worse: bool = False,
) -> int:
    """Run the command. Returns its exit code: CANNOT_COMPARE, IS_WORSE, or 0."""
    try:
        if not (name_of_a and name_of_b):
            raise FactsError(f"name two runs: make compare A=<run> B=<run>; {newest_runs()}")
        a, b = load(name_of_a), load(name_of_b)
        with figures_of(Path(name_of_a), Path(name_of_b)):
            return _compare(a, b, force=force, html=html, fail_if_worse=fail_if_worse)
    except FactsError as error:
        print(f"stampede: {error}", file=sys.stderr)
        return CANNOT_COMPARE


def _compare(a: Facts, b: Facts, *, force: bool, html: Path | None, fail_if_worse: bool) -> int:
    differing = conditions.differing(a, b)
    refused = [condition for condition in differing if condition.changes_figures]
    if refused and not force:
        advice = "FORCE=1, or --force, compares them"
        print(f"stampede: the conditions of these runs differ ({advice}):", file=sys.stderr)
        print(harmless.lines("\n".join(_listed(refused))), file=sys.stderr)
        return CANNOT_COMPARE
    judged = verdict(a), verdict(b)
    compared = side_by_side.rows(a, b)
    if html:
        try:
            page = comparison((a, b), judged, differing, compared, [summary(compared), *untrusted(judged)])
            html.write_text(page, encoding="utf-8", errors="replace")
        except OSError as error:
            print(f"stampede: {error}", file=sys.stderr)
            return CANNOT_COMPARE
    print(harmless.lines("\n".join(_lines((a, b), judged, differing, compared))))
    if html:
        print(f"\n{html}")
    return IS_WORSE if fail_if_worse and any(row.mark is Mark.WORSE for row in compared) else 0


def summary(rows: Sequence[Row]) -> str:
    """Return how many figures of B have each mark: `of 40 figures of B: 2 worse, 30 no difference`."""
    marks = Counter(row.mark for row in rows if row.mark)
    counts = ", ".join(f"{marks[mark]} {mark}" for mark in Mark if marks[mark])
    return f"Of {marks.total()} figures of B: {counts}." if marks else "No figure of B could be judged."


def untrusted(judged: Sequence[Judgement]) -> list[str]:
    """Return a warning for each run that VALID does not trust."""
    return [
        f"{letter} cannot be trusted (VALID: {judgement.valid.verdict}): repeat this run"
        for letter, judgement in zip("AB", judged, strict=True)
        if judgement.valid.verdict not in (Verdict.PASS, Verdict.NOT_ASKED)
    ]


def _listed(differing: Sequence[Condition]) -> list[str]:
    width = max(len(condition.what) for condition in differing)
    return [f"  {what:{width}}  {of_a}  |  {of_b}" for what, of_a, of_b in differing]


def _lines(
    runs: tuple[Facts, Facts],
    judged: tuple[Judgement, Judgement],
    differing: Sequence[Condition],
    compared: Sequence[Row],
) -> Iterator[str]:
    """Yield the comparison as lines for a terminal."""
    for letter, run, judgement in zip("AB", runs, judged, strict=True):
        yield f"{letter}  {run.id}  {judgement.verdict}"
    yield from untrusted(judged)
    if differing:
        yield from ("", "What differs:", *_listed(differing))
    group = None
    yield f"\n{'':22}{'A':>9}{'B':>9}{'B / A':>9}{'B - A (interval)':>21}{'samples of A | B':>19}  B is"
    for row in compared:
        if row.group != group:
            group = row.group
            yield group
        a, b, ratio, between, samples = side_by_side.cells(row)
        line = f"  {row.name:20}{a:>9}{b:>9}{ratio:>9}{between:>21}{samples:>19}  {side_by_side.marked(row)}"
        yield line.rstrip()
    yield from ("", summary(compared))

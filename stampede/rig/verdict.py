"""How a run ended, in words: what the master left, shown to whoever started it."""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stampede.rig import terminal
from stampede.rig.snapshot import PARTS, SHARED
from stampede.rig.terminal import STYLES

if TYPE_CHECKING:
    from rich.table import Table


PLACE = re.compile(r'File ".*", line \d+, in .*')
"""A line of a traceback."""

MOST_FAILURES = 10
"""Errors, and exceptions, that are shown: the report has more."""

LONGEST = 200
"""Characters of one of them: an error may be a page."""


class Verdict(NamedTuple):
    """How a run ended: an exit code, and what it means."""

    code: int
    verdict: str
    words: str

    @property
    def style(self) -> str:
        """What it looks like on a terminal."""
        return STYLES.get(self.verdict, "")


def show(folder: Path) -> Verdict:
    """Print the figures and the verdict of a run's folder; return how it ended."""
    run = json.loads((folder / "run.json").read_text())
    judged = json.loads((folder / "verdict.json").read_text())
    window = run["window"]
    if window:
        print(f"\nWindow of {window['seconds']} s: {window['rps']} requests/s")
        for method, figures in window["by_method"].items():
            print(f"  {printable(method):7} {_figures(figures)}")
    _print_stages(run["stages"])
    _print_failures((each["occurrences"], _error(each)) for each in run["errors"])
    _print_failures((each["count"], _exception(each)) for each in run["exceptions"])
    _print_races(run["races"])
    _print_parts(judged)
    if (run.get("machine") or {}).get("generator_shares_cores"):
        print(f"\n{SHARED}")
    print(f"\nResults: {folder}")
    if (report := folder / "report.html").exists():
        print(f"Report:  {report}")
    code, verdict = judged["exit_code"], judged["verdict"]
    return Verdict(code, verdict, f"{verdict} (exit code {code})")


def _print_failures(found: Iterable[tuple[int, str]]) -> None:
    """How often, and what: the most frequent first, a line each."""
    ordered = sorted(found, key=lambda each: (-each[0], each[1]))
    for times, what in ordered[:MOST_FAILURES]:
        print(f"  {times:,} × {_short(printable(what))}")
    if len(ordered) > MOST_FAILURES:
        print(f"  and {len(ordered) - MOST_FAILURES:,} more")


def _error(error: dict[str, Any]) -> str:
    return f"{error['method']} {error['name']}: {error['error']}".strip()


def _exception(exception: dict[str, Any]) -> str:
    """With the last place of its traceback: Locust does not say of what kind it is."""
    places = PLACE.findall(str(exception.get("traceback") or ""))
    return f"{places[-1] if places else 'in the locustfile'}: {exception['message']}"


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"


def printable(text: object) -> str:
    """In one line, and without what a terminal would do instead of showing it."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(str(text).split()))


def _print_stages(stages: list[dict[str, Any]]) -> None:
    """Where there are several: what more users did."""
    if len(stages) < 2:
        return
    print(
        f"\n{'users':>7} {'requests/s':>11} {'served/s':>9} {'refused':>8} {'failed':>7}   p50   p95   p99 ms"
    )
    for stage in stages:
        times = "".join(f"{stage.get(f'p{percent}_ms') or '–':>6}" for percent in (50, 95, 99))
        print(
            f"{stage['users']:7,} {stage['rps']:11,} {stage['goodput']:9,} {stage['refused']:8,}"
            f" {stage['failures']:7,}{times}"
        )


def _print_races(races: list[dict[str, Any]]) -> None:
    """How close the racers of each round were, in the middle of all rounds."""
    run = [race for race in races if race["shots"]]
    if not run:
        return
    winners = Counter(race["winners"] for race in run)
    spread = statistics.median(race["spread_ms"] for race in run)
    overlaps = [race["overlap"] for race in run if race["losers"]]
    overlap = f", {statistics.mean(overlaps):.0%} of the losers met a winner" if overlaps else ""
    most = [f"{count} × {number} winners" for number, count in winners.most_common(3)]
    won = ", ".join(most + ["…"] * (len(winners) > len(most)))
    print(f"\nRaces: {len(run)} rounds, {won}; median spread {spread:.0f} ms{overlap}")


class Row(NamedTuple):
    """A check, as the table shows it."""

    verdict: str
    name: str
    actual: str
    limit: str
    detail: str
    style: str
    """What it looks like, by its colour where it has one."""


def rows(part: dict[str, Any]) -> list[Row]:
    """The checks of a part that somebody asked for, if only to see them; all where nobody asked for any."""
    asked = [
        each
        for each in part["checks"]
        if each["verdict"] != "NOT_ASKED" or part["verdict"] == "NOT_ASKED" or each.get("optional")
    ]
    return [row for check in asked for row in _rows(check)]


def _rows(check: dict[str, Any]) -> list[Row]:
    verdict, detail = check["verdict"], printable(check.get("detail", ""))
    actual = limit = ""
    if check.get("limit") is not None and check.get("actual") is not None:
        actual, limit = _with_unit(check["actual"], check), _with_unit(check["limit"], check)
        detail = (
            detail.partition(" wanted: ")[2] or detail
        )  # the figure and its limit have columns of their own
    if verdict == "PASS" and check.get("colour") == "yellow":
        detail = f"near its limit; {detail}"
    style = STYLES.get(
        str(check.get("colour") if verdict in ("PASS", "FAIL") else ""), STYLES.get(verdict, "")
    )
    found_here = [which for which in ("first", "worst") if check.get(which)]
    if check.get("first") == check.get("worst"):
        found_here = found_here[:1]
    return [
        Row(verdict, printable(check["name"]), actual, limit, detail, style),
        *(Row("", "", "", "", f"{which}: {offender(check[which])}", "") for which in found_here),
    ]


def _with_unit(value: Any, check: dict[str, Any]) -> str:
    """A limit that is written out has its own."""
    if isinstance(value, str):
        return printable(value)
    unit = printable(check.get("unit") or "")
    number = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return number + (unit if unit in ("", "/s") else f" {unit}")


def _print_parts(judged: dict[str, Any]) -> None:
    """A part's verdict, and a line for each of its checks."""
    if console := terminal.find():
        console.print(_table(judged))
        return
    for part in PARTS:
        print(f"\n{part.upper():8} {judged[part]['verdict']}")
        checks = rows(judged[part])
        width = max([26, *(len(row.name) for row in checks)])
        for row in checks:
            figure = f"{row.actual} ({row.limit})  " if row.actual else ""
            print(f"  {row.verdict:9} {row.name:{width}} {figure}{row.detail}")


def _table(judged: dict[str, Any]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    every = [row for part in PARTS for row in rows(judged[part])]
    has_limits = any(row.limit for row in every)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_header=has_limits)
    table.add_column(no_wrap=True)
    table.add_column(
        "check", width=min(30, max((len(row.name) for row in every), default=1)), overflow="fold"
    )
    if has_limits:
        table.add_column("actual", justify="right", no_wrap=True)
        table.add_column("limit", no_wrap=True)
    table.add_column(overflow="fold")
    for part in PARTS:
        verdict = judged[part]["verdict"]
        table.add_row(Text(verdict, STYLES.get(verdict, "")), Text(part.upper(), "bold"))
        for row in rows(judged[part]):
            figures = (row.actual, row.limit) if has_limits else ()
            texts = map(Text, (row.name, *figures, row.detail))
            table.add_row(Text(row.verdict, row.style), *texts)
        table.add_section()
    return table


def _figures(figures: dict[str, Any]) -> str:
    if not figures["requests"]:
        return "0 requests"
    line = (
        f"{figures['requests']} requests, {figures['failures']} failed; ms: average {figures['avg_ms']},"
        f" p50 {figures['p50_ms']}, p95 {figures['p95_ms']}, p99 {figures['p99_ms']}"
    )
    if due := figures.get("from_start"):  # of users who have a pace
        line += f"; since they were due: p95 {due['p95_ms']}, p99 {due['p99_ms']}"
    return line


def offender(found: dict[str, Any] | str) -> str:
    """What is wrong, and in brackets what one needs to find it. An audit of one's own may say it in words."""
    if not isinstance(found, dict):
        return printable(found)
    what = found.get("what") or found.get("name")
    rest = [f"{key} {value}" for key, value in found.items() if key not in ("what", "name", "at")]
    return printable(f"{what} ({', '.join([*rest, str(found['at'])] if found.get('at') else rest)})")

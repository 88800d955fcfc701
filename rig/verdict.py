"""How a run ended, in words: what the master left, shown to whoever started it."""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """How a run ended: an exit code, and what it means."""

    code: int
    words: str


def show(folder: Path) -> Verdict:
    """Print the figures and the verdict of a run's folder; return how it ended."""
    run = json.loads((folder / "run.json").read_text())
    judged = json.loads((folder / "verdict.json").read_text())
    if sys.stdout.isatty():
        print()
    window = run["window"]
    if window:
        print(f"\nWindow of {window['seconds']} s: {window['rps']} requests/s")
        for method, figures in window["by_method"].items():
            print(f"  {method:7} {_figures(figures)}")
    _print_stages(run["stages"])
    for error in run["errors"]:
        print(f"  {error['occurrences']} × {error['error']}")
    for exception in run["exceptions"]:
        print(f"  {exception['count']} × {exception['message']} in the locustfile")
    _print_races(run["races"])
    for part in ("correct", "fast", "valid"):
        _print_part(part.upper(), judged[part])
    print(f"\nResults: {folder}")
    code = judged["exit_code"]
    return Verdict(code, f"{judged['verdict']} (exit code {code})")


def _print_stages(stages: list[dict[str, Any]]) -> None:
    """Where there are several: what more users did."""
    if len(stages) < 2:
        return
    print(
        f"\n{'users':>7} {'requests/s':>11} {'served/s':>9} {'refused':>8} {'failed':>7}   p50   p95   p99 ms"
    )
    for stage in stages:
        times = "".join(f"{stage.get(f'p{percent}_ms', '–'):>6}" for percent in (50, 95, 99))
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


def _print_part(name: str, part: dict[str, Any]) -> None:
    """A part's verdict, and a line for each check that somebody asked for."""
    print(f"\n{name:8} {part['verdict']}")
    for check in part["checks"]:
        if check["verdict"] == "NOT_ASKED" and part["verdict"] != "NOT_ASKED":
            continue
        print(f"  {check['verdict']:9} {check['name']:26} {check['detail']}")
        for which in ("first", "worst"):
            if check.get(which) and (which == "first" or check["worst"] != check.get("first")):
                print(f"            {which}: {found(check[which])}")


def _figures(figures: dict[str, Any]) -> str:
    if not figures["requests"]:
        return "0 requests"
    return (
        f"{figures['requests']} requests, {figures['failures']} failed; ms: average {figures['avg_ms']},"
        f" p50 {figures['p50_ms']}, p95 {figures['p95_ms']}, p99 {figures['p99_ms']}"
    )


def found(offender: dict[str, Any]) -> str:
    """What is wrong, and in brackets what one needs to find it."""
    what = offender.get("what") or offender.get("name")
    rest = [f"{key} {value}" for key, value in offender.items() if key not in ("what", "name", "at")]
    return f"{what} ({', '.join([*rest, str(offender['at'])] if offender.get('at') else rest)})"

"""A run without a browser: started and followed through the master's HTTP API."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from rig.master import Master, MasterGoneError
from rig.settings import ROOT, Settings

RESULTS = ROOT / "results"


class Verdict(NamedTuple):
    """How a run ended: an exit code, and what it means."""

    code: int
    words: str


LOST = Verdict(12, "UNKNOWN: the run was lost (exit code 12)")

PATIENCE = 120.0
"""Seconds for a run to stop and to write its results, over those it was planned for."""

LINE_EVERY = 10.0
"""Seconds between two lines of progress where no terminal shows them."""


def drive(master: Master, settings: Settings, host: str | None) -> Verdict:
    """Start a run, show it, fetch its results."""
    profile = settings.profile or ("scenario" if settings.scenario else "ci")
    started = master.start(
        {
            "profile": profile,
            "scenario": settings.scenario,
            "users": settings.users,
            "spawn_rate": settings.spawn_rate,
            "run_time": settings.run_time,
            "host": host,
            # Who brings users of their own and names no load has not asked for a rate.
            "own_pace": settings.locustfile is not None and settings.profile is None,
        }
    )
    what = settings.scenario or profile
    print(f"Running {what}: {started['users']} users, {started['duration']:.0f} s, {master.url}", flush=True)
    try:
        run = _watch(master, started["duration"])
        folder = master.fetch_results(run["id"], RESULTS)
    except MasterGoneError as error:
        print(f"The run was lost: {error}", file=sys.stderr)
        return LOST
    except KeyboardInterrupt:
        master.stop()
        raise
    link_latest(folder)
    return _sum_up(folder)


def _watch(master: Master, duration: float) -> dict[str, Any]:
    """Show the run until it is done. Raises MasterGoneError if it does not come to its end."""
    begun = last_line = time.monotonic()
    alarms = 0
    while True:
        run = master.run()
        for alarm in run["alarms"][alarms:]:
            print(
                f"\nNot CORRECT: {', '.join(f'{key} {value}' for key, value in alarm.items() if key != 'at')}"
            )
        alarms = len(run["alarms"])
        if not run["in_progress"]:
            return run
        now = time.monotonic()
        if now - begun > duration + PATIENCE:
            raise MasterGoneError(f"it should have ended {PATIENCE:.0f} s ago")
        if sys.stdout.isatty():
            print(f"\r\033[K{_progress(master, run, now - begun, duration)}", end="", flush=True)
        elif now - last_line >= LINE_EVERY:
            print(_progress(master, run, now - begun, duration), flush=True)
            last_line = now
        time.sleep(1)


def _progress(master: Master, run: dict[str, Any], seconds: float, duration: float) -> str:
    stats = master.stats()
    total = stats["stats"][-1]
    return (
        f"{seconds:4.0f}/{duration:.0f} s  {run['phase'] or 'starting':8}  {stats['user_count']} users  "
        f"{total['current_rps']:.0f} requests/s  "
        f"{total['num_requests']} requests, {total['num_failures']} failed"
    )


def link_latest(folder: Path) -> None:
    """Let results/latest name the run."""
    link = folder.with_name("latest")
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)


def _sum_up(folder: Path) -> Verdict:
    run = json.loads((folder / "run.json").read_text())
    judged = json.loads((folder / "verdict.json").read_text())
    if sys.stdout.isatty():
        print()
    window = run["window"]
    if window:
        print(f"\nWindow of {window['seconds']} s: {window['rps']} requests/s")
        for method, figures in window["by_method"].items():
            print(f"  {method:7} {_figures(figures)}")
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


def _print_races(races: list[dict[str, Any]]) -> None:
    """How close the racers of each round were, in the middle of all rounds."""
    run = [race for race in races if race["shots"]]
    if not run:
        return
    winners = Counter(race["winners"] for race in run)
    spread = statistics.median(race["spread_ms"] for race in run)
    overlaps = [race["overlap"] for race in run if race["losers"]]
    overlap = f", {statistics.mean(overlaps):.0%} of the losers met a winner" if overlaps else ""
    won = ", ".join(f"{count} × {number} winners" for number, count in winners.most_common())
    print(f"\nRaces: {len(run)} rounds, {won}; median spread {spread:.0f} ms{overlap}")


def _print_part(name: str, part: dict[str, Any]) -> None:
    """A part's verdict, and a line for each check that somebody asked for."""
    print(f"\n{name:8} {part['verdict']}")
    for check in part["checks"]:
        if check["verdict"] == "NOT_ASKED" and part["verdict"] != "NOT_ASKED":
            continue
        print(f"  {check['verdict']:9} {check['name']:26} {check['detail']}")
        for which in ("first", "worst"):
            if check.get(which) and (which == "first" or check["worst"] != check["first"]):
                found = ", ".join(
                    f"{key} {value}" for key, value in check[which].items() if value is not None
                )
                print(f"            {which}: {found}")


def _figures(figures: dict[str, Any]) -> str:
    if not figures["requests"]:
        return "0 requests"
    return (
        f"{figures['requests']} requests, {figures['failures']} failed; ms: average {figures['avg_ms']},"
        f" p50 {figures['p50_ms']}, p95 {figures['p95_ms']}, p99 {figures['p99_ms']}"
    )

"""A run without a browser: started and followed through the master's HTTP API."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stampede.rig import ROOT, UsageError, console
from stampede.rig.console import Display
from stampede.rig.master import Master, MasterGoneError
from stampede.rig.settings import Settings
from stampede.rig.snapshot import snapshot, words
from stampede.rig.verdict import Verdict, show

RESULTS = ROOT / "results"

LOST = Verdict(12, "UNKNOWN", "UNKNOWN: the run was lost (exit code 12)")

PATIENCE = 120.0
"""Seconds for a run to stop and to write its results, over those it was planned for."""

RETURN_PATIENCE = 30.0
"""Seconds for a master that died in the middle of a run to be started again."""

MOST_ALARMS = 5
"""Things found wrong while a run goes on that are shown at once; the verdict has them all."""


def make_results_folder() -> None:
    """Before a run, so that it is not found at its end that nothing can be left. Raises UsageError."""
    try:
        RESULTS.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=RESULTS).close()
    except OSError as error:
        raise UsageError(
            f"{RESULTS} is no folder that you can write to ({error.strerror}): move it away, or make it yours"
        ) from error


def drive(master: Master, settings: Settings, host: str | None) -> Verdict:
    """Start a run, show it, fetch its results."""
    profile = settings.profile or ("scenario" if settings.scenario else "ci")
    before = master.run()["id"]
    started = master.start(
        {
            "profile": profile,
            "scenario": settings.scenario,
            "users": settings.users,
            "spawn_rate": settings.spawn_rate,
            "run_time": settings.run_time,
            "host": host,
            "targets": settings.targets,
            "own_users": settings.locustfile is not None,
            # Who brings users of their own and names no load has not asked for a rate.
            "own_pace": settings.locustfile is not None and settings.profile is None,
        }
    )
    what = settings.scenario or profile
    print(f"Running {what}: {started['users']} users, {started['duration']:.0f} s, {master.url}", flush=True)
    try:
        was_interrupted, run_id = _see_through(master, what, started["duration"])
        if run_id == before:
            raise MasterGoneError("it never began: see `make logs`")
        folder = master.fetch_results(run_id, RESULTS)
    except MasterGoneError as error:
        print(f"The run was lost: {error}", file=sys.stderr)
        return LOST
    link_latest(folder)
    if not (folder / "verdict.json").exists():
        print(f"{folder} holds no verdict: `make logs` says why", file=sys.stderr)
        return LOST
    verdict = show(folder)
    if was_interrupted:
        raise KeyboardInterrupt
    return verdict


def _see_through(master: Master, what: str, duration: float) -> tuple[bool, str]:
    """Show the run until it is done; returns whether Ctrl-C stopped it, and its id.

    What was done until then is counted and judged all the same; another Ctrl-C does not wait for that.
    Raises MasterGoneError.
    """
    try:
        return False, _watch(master, what, duration)
    except KeyboardInterrupt:
        print("\nStopping the run …", flush=True)
        master.stop()
        return True, _watch(master, what, 0)


def _watch(master: Master, what: str, duration: float) -> str:
    """Show the run until it is done. A master that dies and comes back has left it as far as it got."""
    run_id: str | None = None
    try:
        with console.display() as display:
            for run in _follow(master, display, what, duration):
                run_id = run["id"] or run_id
    except MasterGoneError as error:
        print(f"{error}: waiting for it …", file=sys.stderr, flush=True)
        if not master.answers_within(RETURN_PATIENCE):
            raise
    if run_id is None:
        raise MasterGoneError("the master knows of no run")
    return run_id


def _follow(master: Master, display: Display, what: str, duration: float) -> Iterator[dict[str, Any]]:
    """The run, shown, again and again until it is done. Raises MasterGoneError if it does not get there."""
    begun = time.monotonic()
    alarms = 0
    while True:
        run = master.run()
        for alarm in run["alarms"][alarms:MOST_ALARMS]:
            display.say(f"The audit sees: {words(alarm)}")
        alarms = len(run["alarms"])
        yield run
        if not run["in_progress"]:
            return
        seconds = time.monotonic() - begun
        if seconds > duration + PATIENCE:
            raise MasterGoneError(f"it should have ended {PATIENCE:.0f} s ago")
        display.show(snapshot(run, what, master.url, seconds, duration))
        time.sleep(1)


def link_latest(folder: Path) -> None:
    """Let results/latest name the run."""
    link = folder.with_name("latest")
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
    except OSError as error:  # somebody's own folder of that name, or a disk that knows no links
        print(f"{link} does not name this run: {error.strerror}", file=sys.stderr)

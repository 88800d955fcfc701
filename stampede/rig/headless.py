"""A run without a browser, driven through the master's HTTP API."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stampede.rig import ROOT, UsageError, console
from stampede.rig.console import Display
from stampede.rig.master import Master, MasterGoneError
from stampede.rig.result import Verdict, show
from stampede.rig.settings import Settings
from stampede.rig.snapshot import event_line, snapshot

RESULTS = ROOT / "results"

LOST = Verdict(12, "UNKNOWN", "UNKNOWN: the run was lost (exit code 12)")

END_TIMEOUT = 120.0
"""Seconds for a run to stop and to write its results, in addition to its planned length."""

RETURN_TIMEOUT = 30.0
"""Seconds for a master that died during a run to be restarted."""

MAX_ALARMS = 5
"""Alarms of the audit that are printed during a run; the verdict has all of them."""


def make_results_folder() -> None:
    """Make results/, or raise UsageError.

    This is done before a run: at its end, a folder that cannot be written to would lose the results.
    """
    try:
        RESULTS.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=RESULTS).close()
    except OSError as error:
        raise UsageError(
            f"{RESULTS} is no folder that you can write to ({error.strerror}): move it away, or make it yours"
        ) from error


def drive(master: Master, settings: Settings, host: str | None) -> Verdict:
    """Start a run, show its progress, fetch and show its results, and return its verdict.

    Raise UsageError if the master refuses the run, and KeyboardInterrupt after the results if Ctrl-C stopped
    it.
    """
    profile = settings.profile or ("scenario" if settings.scenario else "ci")
    previous_id = master.run()["id"]
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
            # Users of a custom locustfile keep their own waits, unless PROFILE= asks for a request rate.
            "own_pace": settings.locustfile is not None and settings.profile is None,
        }
    )
    what = started["shape"] or settings.scenario or profile
    if started["note"]:
        print(started["note"], flush=True)
    print(f"Running {what}: {_load(started)}, {master.url}", flush=True)
    try:
        was_interrupted, run_id = _run_to_end(master, what, started["duration"])
        if run_id == previous_id:
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


def _load(started: Mapping[str, Any]) -> str:
    """Return the load of a run that was started: its users and its length, or that a shape sets both."""
    if started["shape"]:
        return "until the shape ends the run"
    return f"{started['users']} users, {started['duration']:.0f} s"


def _run_to_end(master: Master, what: str, duration: float | None) -> tuple[bool, str]:
    """Show the run until its end. Return whether Ctrl-C stopped it, and its id. Raise MasterGoneError.

    A stopped run is judged too, by the requests until the stop. A second Ctrl-C ends the waiting for that.
    """
    try:
        return False, _show_to_end(master, what, duration)
    except KeyboardInterrupt:
        print("\nStopping the run …", flush=True)
        master.stop()
        return True, _show_to_end(master, what, 0)


def _show_to_end(master: Master, what: str, duration: float | None) -> str:
    """Show the run until its end and return its id. Raise MasterGoneError.

    A master that dies loses the rest of its run. If it is restarted, the results until then can be fetched.
    """
    run_id: str | None = None
    try:
        with console.display() as display:
            for run in _poll(master, display, what, duration):
                run_id = run["id"] or run_id
    except MasterGoneError as error:
        print(f"{error}: waiting for it …", file=sys.stderr, flush=True)
        if not master.answers_within(RETURN_TIMEOUT):
            raise
    if run_id is None:
        raise MasterGoneError("the master knows of no run")
    return run_id


def _poll(master: Master, display: Display, what: str, duration: float | None) -> Iterator[dict[str, Any]]:
    """Yield the state of the run every second until its end, and show it.

    Raise MasterGoneError if the end does not come.
    """
    start = time.monotonic()
    alarms = 0
    while True:
        run = master.run()
        for alarm in run["alarms"][alarms:MAX_ALARMS]:
            display.print_line(f"The audit sees: {event_line(alarm)}")
        alarms = len(run["alarms"])
        yield run
        if not run["in_progress"]:
            return
        seconds = time.monotonic() - start
        if duration is not None and seconds > duration + END_TIMEOUT and run["left_s"] == 0:
            raise MasterGoneError(f"it should have ended {END_TIMEOUT:.0f} s ago")
        display.show(snapshot(run, what, master.url, seconds, duration))
        time.sleep(1)


def link_latest(folder: Path) -> None:
    """Make results/latest a link to the run's folder."""
    link = folder.with_name("latest")
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.name)
    except OSError as error:  # `latest` is a folder of the user, or the file system has no links
        print(f"{link} does not name this run: {error.strerror}", file=sys.stderr)

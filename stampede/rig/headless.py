"""A run without a browser, driven through the master's HTTP API."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stampede.rig import ROOT, commit, console, run_folders
from stampede.rig.console import Display
from stampede.rig.master import Master, MasterGoneError
from stampede.rig.result import Verdict, show
from stampede.rig.settings import Settings
from stampede.rig.snapshot import event_line, snapshot

LOCUSTFILE = ROOT / "load_tests" / "locustfile.py"
"""The locustfile where LOCUSTFILE does not name another."""

LOST = Verdict(12, "UNKNOWN", "UNKNOWN: the run was lost (exit code 12)")

POLL_INTERVAL = 1.0
"""Seconds between two polls of the run's state."""

END_TIMEOUT = 120.0
"""Seconds for a run to stop and to write its results, once the time of its users is over."""

RETURN_TIMEOUT = 30.0
"""Seconds for a master that died during a run to be restarted."""

MAX_ALARMS = 5
"""Alarms of the audit that are printed during a run; the verdict has all of them."""


class RunReplacedError(Exception):
    """The run that was started is not the master's newest run, or never began. The message has the ids."""


def drive(master: Master, settings: Settings, host: str | None) -> Verdict:
    """Start a run, show its progress and its results, and return its verdict.

    Raise UsageError if the master refuses the run, and KeyboardInterrupt after the results if Ctrl-C stopped
    it.
    """
    profile = settings.profile or ("scenario" if settings.scenario else "ci")
    own_file = settings.locustfile if settings.profile is None else None
    previous_id = master.run()["id"]
    started = master.start(
        {
            "profile": profile,
            # Such a run is called by its file: the profile is only the basis of its load.
            "name": own_file and own_file.name,
            "scenario": settings.scenario,
            "users": settings.users,
            "spawn_rate": settings.spawn_rate,
            "run_time": settings.run_time,
            "rate": settings.rate,
            "host": host,
            "probe": False if settings.probe == "no" else None,
            "targets": settings.targets,
            "own_users": settings.locustfile is not None,
            # Users of a custom locustfile keep their own waits, unless PROFILE= asks for a request rate.
            "own_pace": own_file is not None,
            "locustfile_commit": commit.of_file(settings.locustfile or LOCUSTFILE),
        }
    )
    what = started["shape"] or settings.scenario or (own_file.name if own_file else profile)
    target = settings.host or started["host"] or ""
    if started["note"]:
        print(started["note"], flush=True)
    print(f"Running {what}: {_load(started)}{_target(target, started['host_of'])}", flush=True)
    try:
        run = _Started(started["id"], previous_id, what, target, started["duration"])
        was_interrupted = _run_to_end(master, run)
    except (MasterGoneError, RunReplacedError) as error:
        print(f"The run was lost: {error}", file=sys.stderr)
        return LOST
    folder = run_folders.RESULTS / started["id"]
    if not (folder / "verdict.json").exists():
        print(f"The run did not reach {folder}: {_remaining(settings, started['id'])}", file=sys.stderr)
        return LOST
    verdict = show(folder)
    if was_interrupted:
        raise KeyboardInterrupt
    return verdict


def _remaining(settings: Settings, run_id: str) -> str:
    """Return where the files of a run are that did not reach results/, and what to do."""
    folder = run_folders.unfinished(settings.cluster_name) / run_id
    if folder.exists():
        return f"its files are in {folder}. `make logs` has the reason, the next `make up` moves them"
    return "`make logs` has the reason"


def _load(started: Mapping[str, Any]) -> str:
    """Return the load of a run that was started: its users and its length, or that a shape sets both."""
    if started["shape"]:
        return "until the shape ends the run"
    return f"{started['users']} users, {started['duration']:.0f} s"


def _target(target: str, host_of: Sequence[str]) -> str:
    """Return the target of a run as the end of a line; with the user classes whose `host` it is."""
    classes = f" (host of class {', '.join(host_of)})" if host_of else ""
    return f", target {target}{classes}" if target else ""


@dataclass(frozen=True)
class _Started:
    """The run that this command has started, and the run that the master had before."""

    id: str
    previous_id: str | None
    what: str
    target: str
    duration: float | None
    """Planned length, in seconds; None where a shape ends the run."""


def _run_to_end(master: Master, run: _Started) -> bool:
    """Show the run until its end. Return whether Ctrl-C stopped it. Raise MasterGoneError, RunReplacedError.

    A stopped run is judged too, by the requests until the stop. A second Ctrl-C ends the waiting for that.
    """
    try:
        _show_to_end(master, run)
    except KeyboardInterrupt:
        print("\nStopping the run …", flush=True)
        master.stop()
        _show_to_end(master, replace(run, duration=0))
        return True
    return False


def _show_to_end(master: Master, run: _Started) -> None:
    """Show the run until its end. Raise MasterGoneError, RunReplacedError.

    A master that dies loses the rest of its run. If it is restarted, it writes the results until then.
    """
    try:
        with console.display() as display:
            _poll(master, display, run)
    except MasterGoneError as error:
        print(f"{error}: waiting for it …", file=sys.stderr, flush=True)
        if not master.answers_within(RETURN_TIMEOUT):
            raise


def _poll(master: Master, display: Display, run: _Started) -> None:
    """Show the state of the run every second until its end.

    Raise MasterGoneError if the end does not come, and RunReplacedError if the master has another run.
    """
    start = users_until = time.monotonic()
    alarms, has_begun = 0, False
    while True:
        state = master.run()
        has_begun = has_begun or state["id"] == run.id
        _refuse_other_run(state, run, has_begun)
        for alarm in state["alarms"][alarms:MAX_ALARMS]:
            display.print_line(f"Audit: {event_line(alarm)}")
        alarms = len(state["alarms"])
        if not state["in_progress"]:
            if state["removed_runs"]:
                display.print_line(f"Results: {state['removed_runs']}")
            return
        now = time.monotonic()
        if state["left_s"] != 0:
            users_until = now
        elif now - users_until > END_TIMEOUT:
            raise MasterGoneError(f"the run should have ended {END_TIMEOUT:.0f} s ago")
        display.show(snapshot(state, run.what, run.target, now - start, run.duration))
        time.sleep(POLL_INTERVAL)


def _refuse_other_run(state: dict[str, Any], run: _Started, has_begun: bool) -> None:
    """Raise RunReplacedError if the master shows another run than the started one.

    A master that was restarted has no run. Until the started run begins, it still has the previous one.
    """
    if state["id"] in (run.id, None) or (state["id"] == run.previous_id and not has_begun):
        if not has_begun and not state["in_progress"]:
            raise RunReplacedError(f"{run.id} never began: see `make logs`")
        return
    raise RunReplacedError(f"{run.id} was started here, and the master now has {state['id']}")

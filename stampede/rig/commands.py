"""The verbs of the cluster: ``python3 -m stampede VERB [NAME=value …]``, which the Makefile calls."""

from __future__ import annotations

import signal
import sys
import webbrowser
from typing import NoReturn

from stampede.rig import UsageError, cluster, headless, terminal
from stampede.rig.cluster import bring_up, take_down, wait_until_joined
from stampede.rig.master import Master, MasterGoneError
from stampede.rig.runtime import Runtime
from stampede.rig.settings import Settings

USAGE_EXIT = 2
INTERRUPTED_EXIT = 130


def main(verb: str, arguments: list[str]) -> int:
    """Run one verb; returns the exit code. What a user can mend is one line on stderr and exit code 2."""
    # A pipeline that is canceled leaves nothing behind either; a script's background jobs ignore SIGINT.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        if verb == "report":
            report()
            return 0
        return VERBS[verb](*cluster.find(arguments)) or 0
    except (UsageError, MasterGoneError) as error:
        print(f"stampede: {error}", file=sys.stderr)
        return USAGE_EXIT
    except KeyboardInterrupt:
        print("\nstampede: interrupted", file=sys.stderr)
        return INTERRUPTED_EXIT


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def up(asked: Settings, found: Runtime) -> None:
    """Bring the cluster up, and say where it is."""
    bring_up(found, asked)
    print(f"Locust  {asked.ui_url}\nAPI     {asked.host or asked.api_url + '/docs'}\nRuntime {found.name}")


def down(asked: Settings, found: Runtime) -> None:
    """Take the cluster down; the data stays."""
    take_down(found, asked)


def reset(asked: Settings, found: Runtime) -> None:
    """Take the cluster down and delete its data."""
    take_down(found, asked)
    found.reset()


def scale(asked: Settings, found: Runtime) -> None:
    """Change the number of workers to WORKERS."""
    if asked.workers is None:
        raise UsageError("say how many workers: make scale N=8")
    cluster.must_be_up(found)
    master = Master(asked.ui_url, asked.login)  # first: half a login changes nothing
    found.scale(asked.workers)
    wait_until_joined(master, asked.workers)
    print(f"{cluster.workers(asked.workers)} joined")


def restart(asked: Settings, found: Runtime) -> None:
    """Start master and workers again, with the load tests as they are now."""
    cluster.must_be_up(found)
    master = Master(asked.ui_url, asked.login)
    if master.worker_count() is not None:  # else the master is what has to be mended
        _refuse_while_running(master)
    print("Starting master and workers again …", flush=True)
    found.restart_load()
    workers = found.worker_count()
    wait_until_joined(master, workers)
    print(f"{cluster.workers(workers)} joined")


def logs(_asked: Settings, found: Runtime) -> None:
    """Show what the cluster prints."""
    found.logs()


def ps(_asked: Settings, found: Runtime) -> None:
    """Show what runs."""
    found.ps()


def run_headless(asked: Settings, found: Runtime) -> int:
    """Run a profile without a browser; a cluster that was not up is taken down again."""
    headless.make_results_folder()
    was_up = found.is_up()
    if was_up:
        _use_what_is_up(asked, found)
    else:
        bring_up(found, asked)
    try:
        if not asked.keep_data and not asked.host:
            found.seed()
        host = asked.host and found.target(asked.host)
        if host:
            found.allow(host)  # by the act of whoever started this
        verdict = headless.drive(Master(asked.ui_url, asked.login), asked, host)
    finally:
        if not was_up:
            take_down(found, asked)
    terminal.say(verdict.words, verdict.style)
    return verdict.code


def _use_what_is_up(asked: Settings, found: Runtime) -> None:
    _refuse_while_running(Master(asked.ui_url, asked.login))
    cluster.refuse_changes(asked, but={"HOST"})  # the run brings its own
    if asked.workers:
        scale(asked, found)


def _refuse_while_running(master: Master) -> None:
    if master.run()["in_progress"]:
        raise UsageError("a run is in progress: wait for its end, or stop it in the browser")


def report() -> None:
    """Open the newest report in a browser, and say where it is."""
    names = ("report.html", "locust.html")  # the second where the first could not be made
    found = (headless.RESULTS / "latest" / name for name in names)
    latest = next((path for path in found if path.exists()), None)
    if latest is None:
        raise UsageError("there is no result yet: `make headless` leaves one")
    print(latest.resolve())
    webbrowser.open(latest.resolve().as_uri())


VERBS = {
    "up": up,
    "down": down,
    "scale": scale,
    "headless": run_headless,
    "logs": logs,
    "ps": ps,
    "restart": restart,
    "reset": reset,
}

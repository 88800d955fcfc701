"""The verbs of the cluster: ``python3 -m stampede VERB [NAME=value …]``, which the Makefile calls."""

from __future__ import annotations

import signal
import sys
import webbrowser
from collections.abc import Mapping
from typing import NoReturn

from stampede import harmless
from stampede.rig import (
    UsageError,
    cluster,
    commit,
    headless,
    local_host,
    lock,
    memory,
    run_folders,
    terminal,
    trial,
    variables,
)
from stampede.rig.cluster import bring_up, format_workers, take_down, wait_until_joined
from stampede.rig.master import Master, MasterGoneError
from stampede.rig.result import Verdict
from stampede.rig.runtime import Runtime
from stampede.rig.settings import LOAD_SETTINGS, NAMES, RUN_SETTINGS, Settings

USAGE_EXIT = 2
INTERRUPTED_EXIT = 130
"""128 + SIGINT, as shells report it."""


def main(verb: str, arguments: list[str]) -> int:
    """Run one verb and return its exit code. A mistake of the user is one line on stderr and exit code 2."""
    # SIGTERM: a canceled pipeline must leave nothing behind. SIGINT: background jobs of scripts ignore it.
    _end_on_signals()
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _hang_up)
    try:
        if verb == "report":
            report()
            return 0
        if verb == "try":  # needs no cluster
            return trial.run(arguments)
        settings, runtime = cluster.find(arguments)
        if verb in ("up", "headless"):
            local_host.refuse_own(settings.host, settings.own_ports)
        if verb in ("up", "headless", "restart"):
            variables.print_ignored(settings.env_file, NAMES)
        print_ignored(verb, arguments, settings, runtime)
        return VERBS[verb](settings, runtime) or 0
    except (UsageError, MasterGoneError) as error:
        print(f"stampede: {harmless.lines(str(error))}", file=sys.stderr)
        return USAGE_EXIT
    except KeyboardInterrupt:
        print("\nstampede: interrupted", file=sys.stderr)
        return INTERRUPTED_EXIT


def print_ignored(verb: str, arguments: list[str], settings: Settings, runtime: Runtime) -> None:
    """Print the settings of this command line that have no effect, each with the reason."""
    given = {argument.partition("=")[0] for argument in arguments}
    reasons = {
        f"a setting of `make headless`, not of `make {verb}`": () if verb == "headless" else RUN_SETTINGS,
        "for RUNTIME=local only": ("MASTER_PORT",) if runtime.key == "compose" else (),
        f"the API is {settings.host}": ("API_PORT", "KEEP_DATA") if settings.host else (),
    }
    for reason, names in reasons.items():
        if ignored := sorted(given & set(names)):
            print(f"Ignored: {', '.join(ignored)} ({reason})", flush=True)


def _end_on_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _hang_up(*_: object) -> NoReturn:
    """Stop in order: the terminal was closed. A closed terminal sends SIGHUP more than once."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt


def up(settings: Settings, runtime: Runtime) -> None:
    """Bring the cluster up, and print its addresses."""
    run_folders.make_results_folder()
    bring_up(runtime, settings)
    api = settings.host or settings.api_url + "/docs"
    print(f"Locust  {settings.ui_url}\nAPI     {api}\nRuntime {runtime.name}")


def down(settings: Settings, runtime: Runtime) -> None:
    """Take the cluster down; the data stays."""
    take_down(runtime, settings)


def reset(settings: Settings, runtime: Runtime) -> None:
    """Take the cluster down and delete its data, after a question where that would lose a run.

    The stop comes first: a run in progress ends with it, and reaches results/.
    """
    take_down(runtime, settings)
    _end_on_signals()  # again: the stop ignores Ctrl-C, the question must not
    run_folders.confirm_deletion(settings.cluster_name, is_forced=settings.force)
    runtime.reset()
    run_folders.delete_unfinished(settings.cluster_name)


def scale(settings: Settings, runtime: Runtime) -> None:
    """Change the number of workers to WORKERS."""
    if settings.workers is None:
        raise UsageError("set the number of workers: make scale N=8")
    cluster.require_up(runtime)
    master = Master(settings.ui_url, runtime.owner_key)
    runtime.scale(settings.workers)
    wait_until_joined(master, settings.workers, runtime)
    print(f"{format_workers(settings.workers)} joined")


def restart(settings: Settings, runtime: Runtime) -> None:
    """Restart master and workers, so that they load the load tests again."""
    cluster.require_up(runtime)
    master = Master(settings.ui_url, runtime.owner_key)
    if master.worker_count() is not None:  # a master that does not answer is to be fixed by the restart
        _refuse_while_running(master)
    print("Starting master and workers again …", flush=True)
    runtime.restart_load()
    workers = runtime.worker_count()
    wait_until_joined(master, workers)
    print(f"{format_workers(workers)} joined")


def login(settings: Settings, runtime: Runtime) -> None:
    """Print an address that logs a browser in."""
    cluster.require_up(runtime)
    if not settings.ui_user:
        raise UsageError("the UI asks for no login: UI_USER and UI_PASSWORD are not set")
    print(Master(settings.ui_url, runtime.owner_key).login_link())


def logs(_settings: Settings, runtime: Runtime) -> None:
    """Show the logs of the cluster."""
    runtime.logs()


def ps(_settings: Settings, runtime: Runtime) -> None:
    """List the running containers or processes."""
    runtime.ps()


def run_headless(settings: Settings, runtime: Runtime) -> int:
    """Run a profile without a browser, and return the verdict's exit code.

    A cluster that was not up before is taken down at the end. Raise UsageError, also if another headless run
    is in progress on this cluster.
    """
    with lock.hold(lock.HEADLESS, settings.cluster_name):
        return _run_headless(settings, runtime)


def _run_headless(settings: Settings, runtime: Runtime) -> int:
    run_folders.make_results_folder()
    if settings.probe != "no":
        local_host.refuse_closed(settings.host)
    was_up = runtime.is_up()
    if was_up:
        _prepare_running_cluster(settings, runtime)
    else:
        bring_up(runtime, settings)
    try:
        verdict = _drive(settings, runtime)
    except BaseException:
        if not was_up:
            cluster.clean_up(runtime, settings)
        raise
    if not was_up:
        take_down(runtime, settings)
    terminal.print_line(verdict.text, verdict.style)
    return verdict.code


def _drive(settings: Settings, runtime: Runtime) -> Verdict:
    if not settings.keep_data and not settings.host:
        runtime.seed()
    host = settings.host and runtime.reachable_host(settings.host)
    if host:
        runtime.allow(host)  # the user allows a host by setting HOST
    try:
        return headless.drive(Master(settings.ui_url, runtime.owner_key), settings, host)
    except UsageError as error:
        raise local_host.explain(error, settings.host, runtime.key) from error


def _prepare_running_cluster(settings: Settings, runtime: Runtime) -> None:
    cluster.refuse_changes(settings, ignoring={"HOST", *LOAD_SETTINGS})  # HOST is sent with the run
    changed = cluster.changed_load(settings)
    master = Master(settings.ui_url, runtime.owner_key)
    if not changed or master.worker_count() is not None:  # another locustfile may fix a dead master
        _refuse_while_running(master)
    if changed:
        _change_load(settings, runtime, changed)
    elif _is_outdated(settings, master):
        print("The locustfile has changed since the cluster loaded it.", flush=True)
        restart(settings, runtime)
    if settings.workers:
        scale(settings, runtime)


def _is_outdated(settings: Settings, master: Master) -> bool:
    """Return whether the locustfile was edited after the cluster had loaded it.

    Of a cluster that plain `docker compose` started, it is not known which file that is.
    """
    if not memory.recall(settings.runtime, settings.compose_project_name):
        return False
    try:
        content = commit.content_hash(settings.locustfile or headless.LOCUSTFILE)
    except OSError:
        return False
    return master.run().get("locustfile_sha256") not in (content, None)


def _change_load(settings: Settings, runtime: Runtime, changed: Mapping[str, str]) -> None:
    new = " ".join(f"{name}={value}" for name, value in changed.items())
    print(f"The cluster is up with other settings: master and workers start again with {new} …", flush=True)
    cluster.change_load(settings)
    wait_until_joined(Master(settings.ui_url, runtime.owner_key), runtime.worker_count())


def _refuse_while_running(master: Master) -> None:
    if master.run()["in_progress"]:
        raise UsageError("a run is in progress: wait for its end, or stop it in the browser")


def report() -> None:
    """Open the newest report in a browser, and print its path."""
    names = ("report.html", "locust.html")  # the second one where making the first one failed
    paths = (run_folders.RESULTS / "latest" / name for name in names)
    latest = next((path for path in paths if path.exists()), None)
    if latest is None:
        raise UsageError("there is no result yet: every run leaves one, such as `make headless`")
    print(latest.resolve())
    webbrowser.open(latest.resolve().as_uri())


VERBS = {
    "up": up,
    "down": down,
    "scale": scale,
    "headless": run_headless,
    "login": login,
    "logs": logs,
    "ps": ps,
    "restart": restart,
    "reset": reset,
}

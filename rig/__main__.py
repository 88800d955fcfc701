"""``python -m rig VERB [NAME=value …]``: what the Makefile calls."""

from __future__ import annotations

import socket
import sys
import time
import webbrowser
from pathlib import Path

from rig import headless, runtime, settings
from rig.master import Master, MasterGoneError, wait_for_workers
from rig.runtime import Runtime
from rig.settings import Settings, UsageError

JOIN_TIMEOUT = 60.0
"""Seconds for all workers to join a master that answers."""

USAGE_EXIT = 2


def main() -> int:
    """Run one verb; returns the exit code. A UsageError is one line on stderr and exit code 2."""
    verb, *arguments = sys.argv[1:] or [""]
    if verb not in VERBS:
        print(f"rig: choose one of {', '.join(VERBS)}", file=sys.stderr)
        return USAGE_EXIT
    try:
        asked = settings.read(arguments)
        return VERBS[verb](asked) or 0
    except (UsageError, MasterGoneError) as error:
        print(f"rig: {error}", file=sys.stderr)
        return USAGE_EXIT
    except KeyboardInterrupt:
        print("\nrig: interrupted", file=sys.stderr)
        return 130


def up(asked: Settings) -> None:
    """Bring the cluster up; on failure nothing of it is left."""
    cluster = runtime.choose(asked)
    _bring_up(cluster, asked)
    print(f"Locust  {asked.ui_url}\nAPI     {asked.host or asked.api_url}  (documentation: /docs)")
    print(f"Runtime {cluster.name}")


def _bring_up(cluster: Runtime, asked: Settings) -> None:
    begun = time.monotonic()
    if not cluster.is_up():
        _refuse_ports_in_use(asked)
    print(f"Starting the cluster with {asked.worker_count} workers: {cluster.name} …", flush=True)
    try:
        cluster.up()
        _wait_until_joined(asked, asked.worker_count)
    except BaseException:
        cluster.down()
        raise
    print(f"Up in {time.monotonic() - begun:.1f} s: {asked.worker_count} workers have joined", flush=True)


def _refuse_ports_in_use(asked: Settings) -> None:
    ports = {"UI_PORT": asked.ui_port}
    if not asked.host:
        ports["API_PORT"] = asked.api_port
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise UsageError(
                    f"port {port} is in use: end what holds it, or choose another with {name}="
                ) from error


def _wait_until_joined(asked: Settings, workers: int) -> None:
    joined = wait_for_workers(Master(asked.ui_url), workers, JOIN_TIMEOUT)
    if joined != workers:
        raise UsageError(f"{joined} of {workers} workers joined within {JOIN_TIMEOUT:.0f} s: see `make logs`")


def down(asked: Settings) -> None:
    """Take the cluster down; the data stays."""
    runtime.choose(asked).down()


def reset(asked: Settings) -> None:
    """Take the cluster down and delete its data."""
    runtime.choose(asked).reset()


def scale(asked: Settings) -> None:
    """Change the number of workers to WORKERS."""
    if asked.workers is None:
        raise UsageError("say how many workers: make scale N=8")
    runtime.choose(asked).scale(asked.workers)
    _wait_until_joined(asked, asked.workers)
    print(f"{asked.workers} workers have joined")


def restart(asked: Settings) -> None:
    """Start master and workers again, with the load tests as they are now."""
    workers = Master(asked.ui_url).worker_count() or asked.worker_count
    runtime.choose(asked).restart_load()
    _wait_until_joined(asked, workers)
    print(f"Restarted: {workers} workers have joined")


def logs(asked: Settings) -> None:
    """Show what the cluster prints."""
    runtime.choose(asked).logs()


def ps(asked: Settings) -> None:
    """Show what runs."""
    runtime.choose(asked).ps()


def run_headless(asked: Settings) -> int:
    """Run a profile without a browser; a cluster that was not up is taken down again."""
    cluster = runtime.choose(asked)
    was_up = cluster.is_up()
    if was_up:
        _use_what_is_up(asked)
    else:
        _bring_up(cluster, asked)
    try:
        if not asked.keep_data and not asked.host:
            cluster.seed()
        return headless.drive(Master(asked.ui_url), asked, asked.host and cluster.target(asked.host))
    finally:
        if not was_up:
            cluster.down()


def _use_what_is_up(asked: Settings) -> None:
    if Master(asked.ui_url).run()["in_progress"]:
        raise UsageError("a run is in progress: wait for its end, or stop it in the browser")
    if asked.locustfile:
        raise UsageError("the cluster that is up has its own locustfile: `make down` first")
    if asked.workers:
        scale(asked)


def report(_asked: Settings) -> None:
    """Open the newest report in a browser, and say where it is."""
    latest = headless.RESULTS / "latest" / "locust.html"
    if not latest.exists():
        raise UsageError("there is no result yet: `make headless` leaves one")
    print(latest.resolve())
    webbrowser.open(Path(latest).resolve().as_uri())


VERBS = {
    "up": up,
    "down": down,
    "scale": scale,
    "headless": run_headless,
    "report": report,
    "logs": logs,
    "ps": ps,
    "restart": restart,
    "reset": reset,
}

if __name__ == "__main__":
    sys.exit(main())

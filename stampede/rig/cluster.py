"""Operations on the whole cluster, the same for both runtimes."""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import signal
import socket
import sys
import time
from collections.abc import Set
from pathlib import Path

from stampede.rig import UsageError, kept_logs, lock, memory
from stampede.rig.master import Master, wait_for_workers
from stampede.rig.runtime import Runtime
from stampede.rig.runtime import choose as choose_runtime
from stampede.rig.settings import LOAD_SETTINGS, Settings
from stampede.rig.settings import read as read_settings

JOIN_TIMEOUT = 60.0
"""Seconds for all workers to join, once the master answers."""

ENDED_INTERVAL = 3.0
"""Seconds between two checks whether a worker that is awaited has ended."""


def find(arguments: list[str]) -> tuple[Settings, Runtime]:
    """Return the settings of this command and the cluster that it is for.

    A remembered cluster that is no longer up has crashed, unless another command is starting it. It is
    forgotten, and its remaining processes are ended. Its settings no longer count, so all settings are read
    again.
    """
    settings, runtime = _choose(arguments)
    while _has_crashed(settings, runtime):
        if runtime.key == "local":
            runtime.down()
        memory.forget(runtime.key, settings.compose_project_name)
        settings, runtime = _choose(arguments)
    return settings, runtime


def _has_crashed(settings: Settings, runtime: Runtime) -> bool:
    is_remembered = bool(memory.recall(runtime.key, settings.compose_project_name))
    return is_remembered and not runtime.is_up() and not lock.is_held(lock.START, settings.cluster_name)


def _choose(arguments: list[str]) -> tuple[Settings, Runtime]:
    settings = read_settings(arguments)
    runtime = choose_runtime(settings)
    return dataclasses.replace(settings, runtime=runtime.key), runtime


def bring_up(runtime: Runtime, settings: Settings) -> None:
    """Start the cluster, and wait until every role is healthy and all workers have joined.

    If the start fails, the cluster is taken down again, unless it was up before. Raise UsageError, also if
    another command is starting the cluster.
    """
    with lock.hold(lock.START, settings.cluster_name):
        _bring_up(runtime, settings)


def _bring_up(runtime: Runtime, settings: Settings) -> None:
    start = time.monotonic()
    _refuse_wrong_login(settings)
    was_up = runtime.is_up()
    if was_up:
        refuse_changes(settings)
    else:
        refuse_ports(runtime, settings)
    workers = format_workers(settings.worker_count)
    print(f"Starting the cluster with {workers}: {runtime.name} …", flush=True)
    memory.remember(runtime.key, settings.compose_project_name, settings.cluster_settings)
    try:
        runtime.up()
        wait_until_joined(Master(settings.ui_url, runtime.owner_key), settings.worker_count, runtime)
    except BaseException as error:
        logs = None if was_up else clean_up(runtime, settings)
        if logs and isinstance(error, UsageError):
            raise UsageError(f"{error} (logs: {logs})") from error
        raise
    print(f"Up in {time.monotonic() - start:.1f} s: {workers} joined", flush=True)


def take_down(runtime: Runtime, settings: Settings) -> Path | None:
    """Stop the cluster; the data stays. Return the folder of its logs; None if there are none."""
    print("Taking the cluster down …", flush=True)
    # A second Ctrl-C would leave half of the cluster running.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    was_started = memory.recall(runtime.key, settings.compose_project_name) or runtime.is_up()
    logs = kept_logs.keep(settings.cluster_name, runtime.write_logs) if was_started else None
    runtime.down()
    memory.forget(runtime.key, settings.compose_project_name)
    return logs


def clean_up(runtime: Runtime, settings: Settings) -> Path | None:
    """Stop the cluster after an error, which the caller then reports: one of the stop must not hide it.

    Return the folder of its logs; None if there are none.
    """
    try:
        return take_down(runtime, settings)
    except UsageError as error:
        print(f"stampede: the cluster may still be up: {error}", file=sys.stderr)
        return None


def format_workers(count: int) -> str:
    """Return `1 worker`, `2 workers` and so on."""
    return "1 worker" if count == 1 else f"{count} workers"


def require_up(runtime: Runtime) -> None:
    """Raise UsageError if the cluster is not up."""
    if not runtime.is_up():
        raise UsageError("the cluster is not up: `make up` starts it")


def wait_until_joined(master: Master, expected: int, starting: Runtime | None = None) -> None:
    """Wait until exactly `expected` workers have joined. Raise UsageError after JOIN_TIMEOUT.

    For a runtime that is `starting`, raise it as soon as a worker keeps failing.
    """
    deadline = time.monotonic() + JOIN_TIMEOUT
    while (joined := wait_for_workers(master, expected, ENDED_INTERVAL)) != expected:
        if starting and (reason := starting.worker_error()):
            raise UsageError(reason)
        if time.monotonic() < deadline:
            continue
        raise UsageError(
            f"{joined} of {format_workers(expected)} joined within {JOIN_TIMEOUT:.0f} s: see `make logs`"
        )


def changed_load(settings: Settings) -> dict[str, str]:
    """Return the settings of the locustfile that the running cluster does not have: values by name.

    A setting that the cluster has, and that is no longer given, has an empty value. Of a cluster that plain
    `docker compose` started nothing is known: all given settings count as changed.
    """
    remembered = memory.recall(settings.runtime, settings.compose_project_name)
    wanted = settings.cluster_settings
    pairs = ((name, wanted.get(name, "")) for name in LOAD_SETTINGS)
    return {name: value for name, value in pairs if value != remembered.get(name, "")}


def change_load(settings: Settings) -> None:
    """Start master and workers again, with the locustfile of these settings. Raise UsageError.

    The cluster keeps the HOST that it was started with: HOST of a headless run is for that run only.
    """
    host = memory.recall(settings.runtime, settings.compose_project_name).get("HOST")
    settings = dataclasses.replace(settings, host=host)
    runtime = choose_runtime(settings)
    memory.remember(runtime.key, settings.compose_project_name, settings.cluster_settings)
    runtime.change_load()


def refuse_changes(settings: Settings, ignoring: Set[str] = frozenset()) -> None:
    """Raise UsageError if a setting is not the one that the running cluster was started with.

    The number of workers is not compared, as it can change while the cluster is up. Neither are the settings
    in `ignoring`. Nothing is known about a cluster that plain `docker compose` started.
    """
    remembered = memory.recall(settings.runtime, settings.compose_project_name)
    for name, wanted in settings.cluster_settings.items() if remembered else ():
        value = remembered.get(name)
        if name not in ignoring and wanted != value:
            has = f"{name}={value}" if value else f"no {name}"
            raise UsageError(f"the cluster that is up has {has}: `make down` first, for {wanted}")


def _refuse_wrong_login(settings: Settings) -> None:
    """Raise UsageError if user or password is missing, or both for a UI that other machines can reach.

    Every client that reaches a UI without a login can start a load.
    """
    login = settings.login  # raises if one of both is missing, whatever UI_BIND is
    if not login and not ipaddress.ip_address(settings.ui_bind).is_loopback:
        raise UsageError(
            f"UI_BIND={settings.ui_bind} publishes the UI beyond this machine: set UI_USER and UI_PASSWORD"
        )


def refuse_ports(runtime: Runtime, settings: Settings) -> None:
    """Raise UsageError if a port is in use, or if a process of this user may not bind it.

    Only processes are refused a port below 1024: the ports of containers are published by the engine.
    """
    ports = {"UI_PORT": settings.ui_port}
    if not settings.host:
        ports["API_PORT"] = settings.api_port
    if runtime.key == "local":
        ports["MASTER_PORT"] = settings.master_port
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise UsageError(
                        f"port {port} is in use: stop the program that uses it, or set another {name}="
                    ) from error
                if isinstance(error, PermissionError) and runtime.key == "local":
                    raise UsageError(
                        f"port {port} is for root only: set {name}= to a port above 1023"
                    ) from error

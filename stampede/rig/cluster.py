"""The cluster as a whole: found, brought up, taken down, whatever it runs on."""

from __future__ import annotations

import dataclasses
import errno
import ipaddress
import signal
import socket
import time
from collections.abc import Set

from stampede.rig import UsageError, memory, runtime, settings
from stampede.rig.master import Master, wait_for_workers
from stampede.rig.runtime import Runtime
from stampede.rig.settings import Settings

JOIN_TIMEOUT = 60.0
"""Seconds for all workers to join a master that answers."""


def find(arguments: list[str]) -> tuple[Settings, Runtime]:
    """What is asked for, and the cluster it is asked of. One that crashed is swept up and forgotten."""
    asked, found = _choose(arguments)
    while memory.recall(found.key, asked.compose_project_name) and not found.is_up():
        if found.key == "local":
            found.down()
        memory.forget(found.key, asked.compose_project_name)
        asked, found = _choose(arguments)
    return asked, found


def _choose(arguments: list[str]) -> tuple[Settings, Runtime]:
    asked = settings.read(arguments)
    found = runtime.choose(asked)
    return dataclasses.replace(asked, runtime=found.key), found


def bring_up(found: Runtime, asked: Settings) -> None:
    """Start it and wait until all is healthy and joined. What could not start leaves nothing behind."""
    begun = time.monotonic()
    _refuse_wrong_login(asked)
    was_up = found.is_up()
    if was_up:
        refuse_changes(asked)
    else:
        refuse_ports(found, asked)
    print(f"Starting the cluster with {workers(asked.worker_count)}: {found.name} …", flush=True)
    memory.remember(found.key, asked.compose_project_name, asked.of_the_cluster)
    try:
        found.up()
        wait_until_joined(Master(asked.ui_url, asked.login), asked.worker_count)
    except BaseException:
        if not was_up:
            take_down(found, asked)
        raise
    print(f"Up in {time.monotonic() - begun:.1f} s: {workers(asked.worker_count)} joined", flush=True)


def take_down(found: Runtime, asked: Settings) -> None:
    """End it; the data stays. Another Ctrl-C does not leave half of it."""
    print("Taking the cluster down …", flush=True)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    found.down()
    memory.forget(found.key, asked.compose_project_name)


def workers(count: int) -> str:
    """A number of workers, in words."""
    return "1 worker" if count == 1 else f"{count} workers"


def must_be_up(found: Runtime) -> None:
    """Raise UsageError if it is not."""
    if not found.is_up():
        raise UsageError("the cluster is not up: `make up` starts it")


def wait_until_joined(master: Master, wanted: int) -> None:
    """Raise UsageError if not so many workers join in time."""
    joined = wait_for_workers(master, wanted, JOIN_TIMEOUT)
    if joined != wanted:
        raise UsageError(f"{joined} of {workers(wanted)} joined within {JOIN_TIMEOUT:.0f} s: see `make logs`")


def refuse_changes(asked: Settings, but: Set[str] = frozenset()) -> None:
    """Raise UsageError for what a cluster that is up cannot change; the number of its workers it can."""
    remembered = memory.recall(asked.runtime, asked.compose_project_name)
    for name, wanted in asked.of_the_cluster.items() if remembered else ():
        value = remembered.get(name)
        if name not in but and wanted != value:
            has = f"{name}={value}" if value else f"no {name}"
            raise UsageError(f"the cluster that is up has {has}: `make down` first, for {wanted}")


def _refuse_wrong_login(asked: Settings) -> None:
    """Whoever reaches the UI can send a load: beyond this machine it wants a password."""
    login = asked.login  # on this machine, too, half a one is refused
    if not login and not ipaddress.ip_address(asked.ui_bind).is_loopback:
        raise UsageError(
            f"UI_BIND={asked.ui_bind} publishes the UI beyond this machine: set UI_USER and UI_PASSWORD"
        )


def refuse_ports(found: Runtime, asked: Settings) -> None:
    """Raise UsageError for one in use, or that processes may not have: containers' the engine publishes."""
    ports = {"UI_PORT": asked.ui_port}
    if not asked.host:
        ports["API_PORT"] = asked.api_port
    if found.key == "local":
        ports["MASTER_PORT"] = asked.master_port
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise UsageError(
                        f"port {port} is in use: end what holds it, or choose another with {name}="
                    ) from error
                if isinstance(error, PermissionError) and found.key == "local":
                    raise UsageError(f"port {port} is root's: choose one over 1023 with {name}=") from error

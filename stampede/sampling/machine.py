"""The machine that a run took place on: runs on different machines cannot be compared."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from urllib.parse import urlsplit

import locust
import psutil

from cgroup import boot_id
from stampede.facts.samples import Machine

THIS_MACHINE = {"localhost", "127.0.0.1", "::1", "host.docker.internal"}
"""Names by which users reach an API on their own machine."""


def facts(
    worker_machines: Collection[str], api_machines: Collection[str], host: str | None = None
) -> Machine:
    """Return the facts of the master's machine, and whether a worker and the API share cores.

    They share cores if both report the same machine (cgroup.boot_id). Where one of them reports none, the
    name of the API's `host` decides; None if it is not a name of this machine.
    """
    return Machine(
        cores=cores(),
        memory_mb=round(psutil.virtual_memory().total / (1024 * 1024)),
        generator_shares_cores=_shares_cores(worker_machines, api_machines, host),
        python=platform.python_version(),
        locust=locust.__version__,
        kernel=f"{platform.system()} {platform.release()}",
        id=boot_id(),
    )


def cores() -> int | None:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _shares_cores(
    worker_machines: Collection[str], api_machines: Collection[str], host: str | None
) -> bool | None:
    if worker_machines and api_machines:
        return bool({*worker_machines} & {*api_machines})
    return urlsplit(host or "").hostname in THIS_MACHINE or None

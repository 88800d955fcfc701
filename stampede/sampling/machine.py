"""Where a run took place, as far as it is known: two runs on different machines do not compare."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from urllib.parse import urlsplit

import locust
import psutil

from cgroup import machine
from stampede.facts.samples import Machine

THIS_MACHINE = {"localhost", "127.0.0.1", "::1", "host.docker.internal"}
"""Names by which users reach an API on their own machine."""


def facts(of_workers: Collection[str], of_api: Collection[str], host: str | None = None) -> Machine:
    """Return what the master runs on. A worker and the API share cores if both have the same kernel, by what
    each reports (cgroup.machine), or by the name of the API's `host`; None where neither is known."""
    return Machine(
        cores=cores(),
        memory_mb=round(psutil.virtual_memory().total / (1024 * 1024)),
        generator_shares_cores=_shares_cores(of_workers, of_api, host),
        python=platform.python_version(),
        locust=locust.__version__,
        kernel=f"{platform.system()} {platform.release()}",
        id=machine(),
    )


def cores() -> int | None:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _shares_cores(of_workers: Collection[str], of_api: Collection[str], host: str | None) -> bool | None:
    if of_workers and of_api:
        return bool({*of_workers} & {*of_api})
    return urlsplit(host or "").hostname in THIS_MACHINE or None

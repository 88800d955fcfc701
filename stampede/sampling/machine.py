"""Where a run took place, as far as it is known: two runs on different machines do not compare."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import locust
import psutil

from cgroup import machine

THIS_MACHINE = {"localhost", "127.0.0.1", "::1", "host.docker.internal"}
"""Names by which users reach an API on their own machine."""


def facts(of_workers: Collection[str], of_api: Collection[str], host: str | None = None) -> dict[str, Any]:
    """What the master runs on. ``generator_shares_cores`` says whether a worker and the API have the same
    kernel, by what each tells of its own (cgroup.machine), or by the name of the API's `host`; None where
    neither tells."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return {
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "memory_mb": round(psutil.virtual_memory().total / (1024 * 1024)),
        "generator_shares_cores": _shares_cores(of_workers, of_api, host),
        "python": platform.python_version(),
        "locust": locust.__version__,
        "kernel": f"{platform.system()} {platform.release()}",
        "id": machine(),
    }


def _shares_cores(of_workers: Collection[str], of_api: Collection[str], host: str | None) -> bool | None:
    if of_workers and of_api:
        return bool({*of_workers} & {*of_api})
    return urlsplit(host or "").hostname in THIS_MACHINE or None

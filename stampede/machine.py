"""Where a run took place, as far as it is known: two runs on different machines do not compare."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from typing import Any

import locust
import psutil

from cgroup import machine


def facts(of_workers: Collection[str], of_api: Collection[str]) -> dict[str, Any]:
    """What the master runs on. ``generator_shares_cores`` says whether a worker and the API have the same
    kernel, by what each tells of its own (cgroup.machine); None where one of them does not."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return {
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "memory_mb": round(psutil.virtual_memory().total / (1024 * 1024)),
        "generator_shares_cores": bool({*of_workers} & {*of_api}) if of_workers and of_api else None,
        "python": platform.python_version(),
        "locust": locust.__version__,
        "kernel": f"{platform.system()} {platform.release()}",
        "id": machine(),
    }

"""How masters and workers are started: stock Locust's, and ours."""

from __future__ import annotations

import itertools
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Literal

from tests.checkout import ROOT
from tests.lossless.table import STOCK

STOP_TIMEOUT = 5
"""Seconds for users to finish their requests. Every answer takes less than 1.5 s."""

HERE = ROOT / "tests" / "lossless"

Role = Literal["master", "worker"]


def locust(side: str, role: Role, folder: Path) -> list[str]:
    """The command, without what it is to bind or connect to. What a run leaves goes to the folder."""
    command = _stock(role, folder) if side == STOCK else _ours(role, folder)
    return [sys.executable, "-m", *command, "--locustfile", str(HERE / "locustfile.py")]


def _stock(role: Role, folder: Path) -> list[str]:
    """With what an experienced user would give it."""
    if role == "worker":
        return ["locust", "--worker"]
    options = ["--enable-rebalancing", "--stop-timeout", str(STOP_TIMEOUT)]
    return ["locust", "--master", *options, "--json-file", str(folder / "figures")]


def _ours(role: Role, folder: Path) -> list[str]:
    """As the containers are started."""
    command = ["stampede", "locust", "--config", f"{role}/locust.conf"]
    if role == "worker":
        return command
    return [
        *command,
        "--stampede-results",
        str(folder / "results"),
        "--stampede-profiles",
        str(HERE / "profiles.toml"),
    ]


_ports = itertools.cycle(range(20000, 30000))
"""Below those that connections are given; none comes twice."""
_ports_lock = threading.Lock()

for _ in range(os.getpid() % 10000):  # whoever runs at the same time begins elsewhere
    next(_ports)


def free_port() -> int:
    """One that nobody holds at this moment."""
    with _ports_lock:
        return next(port for port in _ports if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0

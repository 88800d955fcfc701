"""The faults of VALID: kinds of user in disturbed.py, who say what goes wrong and which check must see it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stampede.rig.master import Master
from tests.checkout import Checkout, copied_project, ignore_interrupts, wait_until

LOCUSTFILE = Path(__file__).with_name("disturbed.py")
CAUGHT_BY = "Caught by: "

CLEAN = "Undisturbed"
"""The kind of user for whom nothing goes wrong."""

THROTTLED = "WorkerThrottled"
"""The kind whose fault cannot be planted from within: it is done to the worker's container."""

WORKERS = 2
LOAD = {"profile": "smoke", "users": 20, "spawn_rate": 20, "run_time": "14s"}
FULL_LOAD = {**LOAD, "users": 60}
"""More than a tenth of a core can send."""

LONGEST_RUN = 60.0
"""Seconds for a run to start, to stop, to be audited."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that goes wrong with a run, and not with what is tested."""

    name: str
    mistake: str
    caught_by: frozenset[str]
    """Names of the checks that must not hold."""


def read(locustfile: Path = LOCUSTFILE) -> dict[str, Disturbance]:
    """Those of a locustfile, by name: its classes whose docstring says what they are caught by."""
    found = {}
    for node in ast.parse(locustfile.read_text()).body:
        text = ast.get_docstring(node) if isinstance(node, ast.ClassDef) else None
        if isinstance(node, ast.ClassDef) and text and CAUGHT_BY in text:
            mistake, _, checks = text.partition(CAUGHT_BY)
            names = frozenset(checks.strip().rstrip(".").split(", "))
            found[node.name] = Disturbance(node.name, " ".join(mistake.split()), names)
    return found


class Cluster:
    """One whose users can be disturbed."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._master = Master(checkout.ui_url)

    def run(self, kind: str, into: Path) -> dict[str, Any]:
        """The verdict.json of a run of this kind of user; its folder goes to `into`."""
        if kind == THROTTLED:
            self._throttle_a_worker()
        self._master.start({**(FULL_LOAD if kind == THROTTLED else LOAD), "scenario": kind})
        wait_until(lambda: not self._master.run()["in_progress"], "the end of the run", LONGEST_RUN)
        folder = self._checkout.keep_results(self._master.run()["id"], into)
        verdict: dict[str, Any] = json.loads((folder / "verdict.json").read_text())
        return verdict

    def _throttle_a_worker(self) -> None:
        """To a tenth of a core, from now on."""
        worker = self._checkout.run("docker", "compose", "ps", "--quiet", "worker").stdout.split()[0]
        self._checkout.run("docker", "update", "--cpus", "0.1", worker)


@contextmanager
def running(runtime: str) -> Iterator[Cluster]:
    """A cluster of its own; nothing of it is left at the end."""
    with copied_project() as checkout:
        try:
            checkout.bring_up(runtime, WORKERS, f"LOCUSTFILE={LOCUSTFILE}")
            yield Cluster(checkout)
        finally:
            ignore_interrupts()
            checkout.rig("reset", f"RUNTIME={runtime}", "FORCE=1")
            if runtime == "compose":
                checkout.run("docker", "compose", "down", "--rmi", "local")


def can_throttle() -> bool:
    """Whether a container engine answers."""
    return bool(
        shutil.which("docker") and not subprocess.run(["docker", "info"], capture_output=True).returncode
    )

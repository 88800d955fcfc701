"""What each cluster that is up was brought up with: one of processes, one of containers to a project."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from stampede.rig import ROOT, UsageError

MEMORY = ROOT / ".local" / "clusters.json"
RUNTIMES = ("compose", "local")


def remember(runtime: str, project: str, told: Mapping[str, str]) -> None:
    """Keep what a cluster is brought up with, by the names of settings, for the commands that follow."""
    _write({**_remembered(), _name(runtime, project): told})


def recall(runtime: str | None, project: str) -> dict[str, str]:
    """What the cluster of this runtime, or of any, was brought up with; nothing where none is up."""
    names = [_name(each, project) for each in ((runtime,) if runtime else RUNTIMES)]
    return next((told for name, told in _remembered().items() if name in names), {})


def forget(runtime: str, project: str) -> None:
    """The cluster is down."""
    down = _name(runtime, project)
    clusters = _remembered()
    if clusters.pop(down, None):
        _write(clusters)


def _name(runtime: str, project: str) -> str:
    """What a cluster is remembered by."""
    return f"compose {project}" if runtime == "compose" else runtime


def _remembered() -> dict[str, dict[str, str]]:
    """What cannot be read is not remembered."""
    try:
        clusters = json.loads(MEMORY.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(clusters, dict) and all(isinstance(told, dict) for told in clusters.values())
    return clusters if is_ours else {}


def _write(clusters: Mapping[str, Mapping[str, str]]) -> None:
    """Beside, then in its place: whoever reads it meanwhile finds the old or the new."""
    beside = MEMORY.with_suffix(f".{os.getpid()}")
    try:
        MEMORY.parent.mkdir(exist_ok=True)
        beside.write_text(json.dumps(clusters), encoding="utf-8")
        beside.replace(MEMORY)
    except OSError as error:
        folder = MEMORY.parent.name
        raise UsageError(f"{folder} is no folder that can be written to: {error.strerror}") from error

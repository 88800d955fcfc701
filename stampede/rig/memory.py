"""The settings that running clusters were started with, stored for the commands that follow.

There can be one cluster of processes, and one of containers for each Compose project.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from stampede.rig import ROOT, UsageError
from stampede.rig.private import open_private

MEMORY = ROOT / ".local" / "clusters.json"
RUNTIMES = ("compose", "local")


def remember(runtime: str, project: str, settings: Mapping[str, str]) -> None:
    """Store the settings that a cluster is started with: values by name."""
    _write({**_read(), _key(runtime, project): settings})


def recall(runtime: str | None, project: str) -> dict[str, str]:
    """Return the settings that a cluster was started with; none if no cluster is stored.

    Without a runtime, return those of either.
    """
    keys = [_key(name, project) for name in ((runtime,) if runtime else RUNTIMES)]
    return next((settings for key, settings in _read().items() if key in keys), {})


def forget(runtime: str, project: str) -> None:
    """Remove the settings of a cluster that is down."""
    clusters = _read()
    if clusters.pop(_key(runtime, project), None):
        _write(clusters)


def _key(runtime: str, project: str) -> str:
    return f"compose {project}" if runtime == "compose" else runtime


def _read() -> dict[str, dict[str, str]]:
    """Return the settings of all clusters; none if the file is missing or broken."""
    try:
        clusters = json.loads(MEMORY.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_valid = isinstance(clusters, dict) and all(isinstance(entry, dict) for entry in clusters.values())
    return clusters if is_valid else {}


def _write(clusters: Mapping[str, Mapping[str, str]]) -> None:
    """Replace the file in one step: another command that reads it gets the old or the new content."""
    temporary = MEMORY.with_suffix(f".{os.getpid()}")
    try:
        MEMORY.parent.mkdir(exist_ok=True)
        with open_private(temporary) as file:
            json.dump(clusters, file)
        temporary.replace(MEMORY)
    except OSError as error:
        folder = MEMORY.parent.name
        raise UsageError(f"{folder} cannot be written to: {error.strerror}") from error

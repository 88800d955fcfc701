"""The logs of clusters that were taken down: a container's log goes with the container."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from stampede.rig import ROOT, UsageError

FOLDER = ROOT / ".local" / "kept-logs"

MOST = 10
"""The number of clusters whose logs are kept."""


def keep(cluster: str, write: Callable[[Path], None]) -> Path | None:
    """Keep the logs of a cluster that is about to be taken down. Return their folder; None if there are none.

    `write` writes them as files into a folder. Its errors are ignored: they must not keep the cluster up.
    """
    folder = FOLDER / f"{datetime.now():%Y%m%d-%H%M%S}-{cluster}"
    with suppress(OSError, UsageError):
        folder.mkdir(parents=True, exist_ok=True)
        write(folder)
    is_kept = any(file.stat().st_size for file in folder.glob("*"))
    for old in _folders()[:-MOST] if is_kept else [folder]:
        shutil.rmtree(old, ignore_errors=True)
    return folder if is_kept else None


def show(cluster: str) -> None:
    """Print the end of the logs that were kept last. Raise UsageError if there are none."""
    if not (folders := _folders(cluster)):
        raise UsageError("there are no logs: `make up` starts the cluster")
    print(f"The cluster is down. Its logs are in {folders[-1]}:", flush=True)
    subprocess.run(["tail", "-n", "100", *sorted(str(file) for file in folders[-1].iterdir())])


def _folders(cluster: str = "") -> list[Path]:
    """Return the folders of kept logs, of one cluster or of all, the oldest first."""
    name = re.escape(cluster) or ".+"
    return sorted(path for path in FOLDER.glob("*") if re.fullmatch(rf"\d{{8}}-\d{{6}}-{name}", path.name))

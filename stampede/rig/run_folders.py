"""The folders of runs: ``results/``, and the unfinished runs of each cluster in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from stampede.rig import ROOT, UsageError

RESULTS = ROOT / "results"


def make_results_folder() -> None:
    """Make results/, or raise UsageError.

    This is done before a run: at its end, a folder that cannot be written to would lose the results.
    """
    try:
        RESULTS.mkdir(exist_ok=True)
        tempfile.TemporaryFile(dir=RESULTS).close()
    except OSError as error:
        raise UsageError(
            f"{RESULTS} cannot be written to ({error.strerror}): change its owner, or move it away"
        ) from error


def unfinished(cluster: str) -> Path:
    """Return the folder of a cluster's unfinished runs; stampede/run/results_folder.py has the same.

    A run is moved from there to results/ when it has its verdict.
    """
    return RESULTS / ".unfinished" / cluster


def confirm_deletion(cluster: str, *, is_forced: bool) -> None:
    """Ask before the unfinished runs of a cluster are deleted: they are nowhere else.

    Raise UsageError if the answer is not yes, and without a terminal, unless it `is_forced`.
    """
    runs = _runs(cluster)
    if not runs or is_forced:
        return
    keep = f"`make up` moves {'it' if len(runs) == 1 else 'them'} to results/"
    if not sys.stdin.isatty():
        raise UsageError(
            f"reset would delete the only copy of {', '.join(runs)}: {keep}, FORCE=1 deletes without asking"
        )
    print("reset would delete the only copy of these runs:")
    for run in runs:
        print(f"  {run}")
    if not _answers_yes("Delete them? [y/N] "):
        raise UsageError(f"nothing is deleted: {keep}")


def delete_unfinished(cluster: str) -> None:
    """Delete the unfinished runs of a cluster. Raise UsageError."""
    folder = unfinished(cluster)
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be deleted: {error.strerror}") from error


def _runs(cluster: str) -> Sequence[str]:
    """Return the ids of a cluster's unfinished runs, the oldest first."""
    return sorted(file.parent.name for file in unfinished(cluster).glob("*/run.json"))


def _answers_yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False

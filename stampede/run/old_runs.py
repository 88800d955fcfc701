"""Removes old runs from ``results/``, as the setting KEEP_RESULTS asks for."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
"""The name of a run's folder. A folder that was renamed is never removed."""

REMOVING = ".removing-"
"""Begins the name of a folder that is being removed: readers of ``results/`` never find half a run."""


class KeepError(Exception):
    """KEEP_RESULTS cannot be used; the message says what to write."""


def number_to_keep(text: str) -> int | None:
    """Return how many runs are kept; None where all are. Raises KeepError."""
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) == 0:
        raise KeepError(f"KEEP_RESULTS must be a whole number over 0, not {text!r}")
    return int(text)


def remove(results: Path, keep: int) -> list[str]:
    """Remove the oldest finished runs, all but `keep`, and return their ids. Raises OSError.

    Neither the newest run nor the one that `latest` points to is removed, even if more runs remain then.
    """
    _finish_removing(results)
    runs = _finished_runs(results)
    latest = (results / "latest").resolve().name
    newest = max((run.name for run in runs), default="")
    removed = []
    for run in runs[keep:]:
        if run.name not in (latest, newest):
            with suppress(FileNotFoundError):  # another master has removed it
                run.rename(run.with_name(f"{REMOVING}{run.name}"))
                removed.append(run.name)
    _finish_removing(results)
    return sorted(removed)


def report(removed: list[str], keep: int) -> str:
    """Return the line that is printed about removed runs."""
    what, which = "old runs", f"{removed[0]} to {removed[-1]}"
    if len(removed) == 1:
        what, which = "old run", removed[0]
    return f"removed {len(removed)} {what} from results/: {which} (KEEP_RESULTS={keep})"


def _finished_runs(results: Path) -> list[Path]:
    """Return the folders of the runs that have a verdict, the last one that was judged first.

    Their ids have the time of their start. A long run ends after others that started later.
    """
    folders = [folder for folder in results.iterdir() if RUN_ID.fullmatch(folder.name)]
    return sorted(filter(_is_finished, folders), key=_judged_at, reverse=True)


def _is_finished(folder: Path) -> bool:
    verdict = folder / "verdict.json"
    return folder.is_dir() and verdict.is_file() and not (folder.is_symlink() or verdict.is_symlink())


def _judged_at(folder: Path) -> tuple[float, str]:
    return (folder / "verdict.json").stat().st_mtime, folder.name


def _finish_removing(results: Path) -> None:
    """Delete the folders that are being removed, also where an earlier removal was interrupted."""
    for folder in results.iterdir():
        if folder.name.startswith(REMOVING) and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)  # what cannot be deleted is tried again the next time

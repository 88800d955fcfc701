"""The folder ``results/`` of a checkout: a folder for each finished run, and the link ``latest``.

A run without a verdict is in ``results/.unfinished/<cluster>/<run-id>/``. It is moved when it has its
verdict, so programs that read ``results/`` find finished runs only. Clusters of one checkout share
``results/``: a master judges the interrupted runs of its own cluster only, as other masters may still write
theirs.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from stampede.run import old_runs

logger = logging.getLogger(__name__)

UNFINISHED = ".unfinished"
"""The folder of all unfinished runs; stampede/rig/run_folders.py has the same."""


@dataclass(frozen=True)
class ResultsFolder:
    """The results of one cluster. `cluster` is its name, which no other cluster of the checkout has."""

    path: Path
    cluster: str
    keep: int | None = None
    """How many finished runs are kept; None for all."""

    @property
    def unfinished(self) -> Path:
        """Return the folder of this cluster's runs that have no verdict yet.

        It is below `path`, so that a finished run is moved in one step, and needs no more space.
        """
        return self.path / UNFINISHED / self.cluster

    def check_writable(self) -> None:
        """Raise OSError if no run can be written."""
        for folder in (self.path, self.unfinished):
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder) as file:
                file.write(b"-")

    def publish(self, folder: Path) -> Path:
        """Move the folder of a run that has its verdict, link `latest` to it, and return its new path.

        Raises OSError if the folder cannot be moved.
        """
        published = folder.rename(self.path / folder.name)
        self._link_latest(published.name)
        return published

    def publish_interrupted(self, folder: Path) -> Path:
        """Do the same for a run that was interrupted; `latest` stays if it is a newer run.

        Other clusters may have had runs since. Raises OSError.
        """
        latest = self.path / "latest"
        if latest.exists() and latest.resolve().name > folder.name:
            return folder.rename(self.path / folder.name)
        return self.publish(folder)

    def remove_old(self) -> str | None:
        """Remove old runs beyond `keep`. Return the line about them, which is logged too; None without any.

        Raises nothing: a run has its results, whatever becomes of old ones.
        """
        if self.keep is None:
            return None
        try:
            removed = old_runs.remove(self.path, self.keep)
        except OSError as error:
            logger.error("stampede: old runs in %s cannot be removed: %s", self.path, error)
            return None
        line = old_runs.report(removed, self.keep) if removed else None
        if line:
            logger.info("stampede: %s", line)
        return line

    def _link_latest(self, run_id: str) -> None:
        """Link `latest` to a run. It is replaced in one step: a reader finds the old run or the new one."""
        link = self.path / f".latest-{run_id}"
        try:
            link.symlink_to(run_id)
            link.replace(self.path / "latest")
        except OSError as error:  # `latest` is a folder of the user, or the file system has no links
            link.unlink(missing_ok=True)
            logger.error("stampede: %s/latest is not a link to %s: %s", self.path, run_id, error.strerror)

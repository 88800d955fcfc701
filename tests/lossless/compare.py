"""Runs rows on both sides, several at a time: they mostly wait."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass

from stampede.rig import UsageError
from stampede.rig.master import MasterGoneError
from tests.checkout import ROOT
from tests.lossless import links
from tests.lossless.cluster import Cluster, RowError, interrupted, running
from tests.lossless.rows import Row
from tests.lossless.table import SIDES, Figure, Outcome, not_carried_out
from tests.lossless.target import Target

KEPT = ROOT / ".local" / "lossless"

AT_ONCE = 8
"""Clusters at a time: what two cores can bear without being late."""

FAILURES = (RowError, MasterGoneError, UsageError, OSError)
"""What can keep a row from being carried out."""


@dataclass(frozen=True, slots=True)
class _Job:
    row: Row
    side: str


def compare(rows: Sequence[Row], sides: Sequence[str] = SIDES) -> list[Outcome]:
    """What the rows show, in their order. Logs and results are left in .local/lossless."""
    shutil.rmtree(KEPT, ignore_errors=True)
    lacking = links.missing()
    jobs = [_Job(row, side) for row in rows for side in sides if not (row.needs_links and lacking)]
    figures = _run_all(sorted(jobs, key=lambda job: -job.row.seconds))
    return [
        Outcome(
            row.name,
            row.title,
            {job.side: shown for job, shown in figures.items() if job.row is row},
            lacking if row.needs_links else None,
        )
        for row in rows
    ]


def _run_all(jobs: Sequence[_Job]) -> dict[_Job, Sequence[Figure]]:
    begun = time.monotonic()
    interrupted.clear()
    figures: dict[_Job, Sequence[Figure]] = {}
    with Target() as target, ThreadPoolExecutor(AT_ONCE) as pool:
        running_jobs = {pool.submit(_run, job, target): job for job in jobs}
        try:
            for done in as_completed(running_jobs):
                job = running_jobs[done]
                figures[job] = done.result()
                _tell(job, figures[job], time.monotonic() - begun)
        except BaseException:
            interrupted.set()
            pool.shutdown(cancel_futures=True)
            raise
    return figures


def _tell(job: _Job, figures: Sequence[Figure], after: float) -> None:
    told = "; ".join(f"{figure.name} {figure.shown}" for figure in figures)
    print(f"{after:5.0f} s  {job.row.name}, {job.side}: {told}", flush=True)


def _run(job: _Job, target: Target) -> Sequence[Figure]:
    folder = KEPT / f"{job.row.name}-{job.side.split()[0].lower()}"
    with ExitStack() as stack:
        cluster = Cluster(job.side, job.row.name, target, folder)
        if job.row.needs_links:
            laid = stack.enter_context(links.laid())
            cluster.links, cluster.address, cluster.shop = laid, laid.cluster, laid.shop
        stack.enter_context(running(cluster))
        try:
            return job.row.experiment(cluster)
        except FAILURES as error:
            return [not_carried_out(error)]

"""Takes a run from its stop to its results: the last reports, the audit, the figures, the files."""

from __future__ import annotations

import logging
import time

import gevent
from locust.env import Environment
from msgspec import convert

from stampede.cluster import roster
from stampede.counting.counts import Counts
from stampede.counting.over_time import routes_over_time
from stampede.facts.event import Event
from stampede.facts.run_json import Audit, Phase, Race
from stampede.facts.target import Reading, Target
from stampede.run.merging import Merging
from stampede.run.observers import Observers
from stampede.run.own_gate import OwnGate
from stampede.run.results import RunFolder
from stampede.run.run import Run
from stampede.run.stages import Stages
from stampede.targets import measuring
from stampede.targets.evidence import Evidence
from stampede.verdict.moves import without_moves

logger = logging.getLogger(__name__)

LAST_REPORTS_TIMEOUT = 5.0
"""Seconds to wait for the workers' last reports, after all users have stopped."""


class Finisher:
    """Finishes the runs of one master."""

    def __init__(
        self,
        environment: Environment,
        counts: Counts,
        observers: Observers,
        evidence: Evidence,
        own_gate: OwnGate,
    ) -> None:
        self._environment = environment
        self._own_gate = own_gate
        self._counts = counts
        self._observers = observers
        self._evidence = evidence

    def finish(
        self,
        run: Run,
        folder: RunFolder,
        stages: Stages,
        exceeded: tuple[Target, Reading] | None,
        merging: Merging,
    ) -> None:
        """Write the results of a run whose users have stopped. `exceeded` is the target that ended it.

        `merging` has merged the older seconds.

        Raises nothing: errors are logged, because the next run must be able to start.
        """
        try:
            self._await_last_reports(folder)
            if run.plan:
                run.stages = stages.rows(self._counts, self._observers.samples.workers, run.events)
            run.locustfile_exit_code = self._own_gate.exit_code(is_headless=run.is_headless)
            run.events += _ended_users(self._counts)
            self._observers.end(run)  # before the audit, which sends requests to the API too
            run.events += merging.last_silences(run.seconds)
            self._audit(run, folder)
            run.races = convert(getattr(self._environment, "stampede_races", ()), list[Race])
            kept = without_moves(run.window, run.events)
            run.targets = measuring.results(
                run.stated_targets, self._evidence, run.window, kept, exceeded, merging.older_spans
            )
            seconds = range(run.seconds[0].second, run.seconds[-1].second + 1) if run.seconds else range(0)
            run.routes_over_time = routes_over_time(self._counts.latencies, seconds, run.window, kept)
            run.phase = Phase.WRITING
            folder.close()
        except OSError as error:
            logger.error("stampede: the results of %s cannot be written: %s", run.id, error)
            _log_remaining(folder)
        except Exception as error:
            logger.error("stampede: %s has no verdict: %s: %s", run.id, type(error).__name__, error)
            _log_remaining(folder)
            logger.debug("Traceback", exc_info=True)
        finally:
            folder.stop_writing()

    def _await_last_reports(self, folder: RunFolder) -> None:
        """Wait until every connected worker has sent its last report."""
        deadline = time.monotonic() + LAST_REPORTS_TIMEOUT
        while time.monotonic() < deadline:
            connected = {*roster.connected_workers(self._environment.runner)}
            if not {*folder.ledger.still_working.values()} & connected:
                return
            gevent.sleep(0.05)

    def _audit(self, run: Run, folder: RunFolder) -> None:
        folder.ledger.never_began(roster.connected_workers(self._environment.runner))
        run.lost_workers = folder.ledger.close()
        self._observers.conclude(run)
        if folder.ledger.error:
            run.audit = Audit(error=f"the ledger could not be written: {folder.ledger.error}")


def _log_remaining(folder: RunFolder) -> None:
    logger.error("stampede: its files stay in %s; the next start of the master judges them", folder.path)


def _ended_users(counts: Counts) -> list[Event]:
    """Return an event for each cause for which users ended by themselves, at the time of the first."""
    rows = counts.ended_users.facts()
    first = {row.cause: row.second for row in reversed(rows)}
    return [
        Event(
            name="users_ended",
            at=float(second),
            facts={"cause": cause, "users": sum(row.users for row in rows if row.cause == cause)},
        )
        for cause, second in first.items()
    ]

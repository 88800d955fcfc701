"""The runs of a master, each from start to results: the same for the browser and for headless.

Whoever starts one, Locust's events carry it along, through the phases of stampede/run/run.py.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import gevent
from gevent import Greenlet
from gevent.event import Event
from locust.env import Environment

from stampede.cluster import roster
from stampede.counting.counts import Counts
from stampede.plan.cast import Cast
from stampede.plan.profiles import Plan
from stampede.run.abort import Abort
from stampede.run.observers import Observers
from stampede.run.results import RunFolder, told
from stampede.run.run import Run
from stampede.run.stages import Stages
from stampede.targets import measuring
from stampede.targets.evidence import Evidence
from stampede.targets.measuring import Reading
from stampede.targets.target import Target

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.5
"""Seconds between two looks at whether the users of a stage are there."""

LAST_REPORTS_TIMEOUT = 5.0
"""Seconds for the workers to say that all their users have stopped, when none is left."""

READY_TIMEOUT = 5.0
"""Seconds for the workers of a run to be ready for the next; one that has died never will be."""


class RunError(Exception):
    """A run that cannot start; the message says why and what to do."""


class Runs:
    """The runs of one master: starts them, follows them, sees to it that they leave results."""

    def __init__(
        self, environment: Environment, counts: Counts, results: Path, audited_host: str | None
    ) -> None:
        self._environment = environment
        self.counts = counts
        self._results = results
        self.cast = Cast(environment)
        self.usual_host = environment.host
        """What is tested where a run does not say."""
        self.observers = Observers(environment, counts, audited_host)
        self._stages = Stages(environment)
        self.evidence = Evidence(counts, lambda: self.observers.samples, self._cores)
        self._abort = Abort((), self.evidence)
        self._driver: Greenlet[..., None] | None = None
        self._ramp: Greenlet[..., None] | None = None
        self._next_plan: Plan | None = None
        self.folder: RunFolder | None = None
        self.current: Run | None = None

    def _cores(self) -> int | None:
        """Those of the API's machine, where it is this one too."""
        return os.cpu_count() if self.observers.machine["generator_shares_cores"] else None

    @property
    def in_progress(self) -> bool:
        """Whether a run has begun, or is about to, and has not ended."""
        return self._next_plan is not None or (self.current is not None and self.current.phase != "done")

    @property
    def may_be_edited(self) -> bool:
        """Whether a run goes on, and no plan says how many users it has."""
        run = self.current
        return run is not None and run.plan is None and run.phase in ("ramp", "window")

    def start(self, plan: Plan, host: str | None) -> None:
        """Begin to carry out a plan. Raises CastError, and RunError where none can begin now."""
        self.refuse_unless_one_can_begin()
        self.cast.choose(plan)
        self._environment.host = host
        self._next_plan = plan
        self._stages = Stages(self._environment)
        self._driver = gevent.spawn(self._drive, plan)

    def refuse_unless_one_can_begin(self) -> None:
        """Raise RunError where no run can begin now, whoever starts it: another goes on, results cannot be
        written, or there is no worker. Waits a little for one."""
        self._refuse_while_in_progress()
        self._refuse_without_results()
        if not self._are_ready(1):
            raise RunError("no worker has joined yet: wait, or look at the workers' logs")
        self._refuse_while_in_progress()  # somebody else may have been faster

    def _refuse_while_in_progress(self) -> None:
        if self.current and self.current.phase in ("stopping", "auditing", "writing"):
            raise RunError("the last run is being audited: try again in a moment")
        if self.in_progress:
            raise RunError("a run is in progress: wait for its end, or stop it in the browser")

    def _refuse_without_results(self) -> None:
        try:
            self._results.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self._results) as file:
                file.write(b"-")
        except OSError as error:
            raise RunError(f"{self._results}/ cannot be written: {error.strerror}") from error

    def _drive(self, plan: Plan) -> None:
        runner = self._environment.runner
        end = time.monotonic()
        for stage in plan.stages:
            end += stage.duration
            self._stages.begin(stage.users)
            self._ramp = gevent.spawn(runner.start, stage.users, stage.spawn_rate)
            while (left := end - time.monotonic()) > 0:
                gevent.sleep(min(left, LOOK_INTERVAL))
                self._stages.look()
            self._stages.end()
        if self._next_plan is not None:  # it never began: the last worker left at this very moment
            self._next_plan = None
            self.cast.choose_usual()
            runner.stop()
            return
        if self.current:
            self.current.as_planned = True
        runner.stop()

    # What Locust's events tell.

    def started(self) -> tuple[str, Event]:
        """The test begins: no user is there yet. Returns the run's id, and when there may be one.

        Nothing here waits: until Locust has the state of a run, a stop is not heard.
        """
        plan, self._next_plan = self._next_plan, None
        self.folder = None
        now = time.time()
        self.current = Run(_new_id(now), plan, now)
        self.observers.expect(self.current)
        options = vars(self._environment.parsed_options)
        options["run_id"] = self.current.id
        options["pace_scale"] = self.cast.pace_scale(plan)
        options["overload"] = bool(plan and plan.overload)
        self.current.promises = self.cast.promises
        self.current.targets = [measuring.row(target, None) for target in self.current.wanted]
        self._abort = Abort(self.current.wanted, self.evidence)
        try:
            self.folder = RunFolder(self._results, self.current, self._environment, self.counts)
        except OSError as error:
            logger.error("stampede: no run: %s/ cannot be written: %s", self._results, error.strerror)
            gevent.spawn(self._environment.runner.stop)  # not here: the state is not a run's yet
            return self.current.id, Event()
        return self.current.id, self.observers.begin(self.current, self.folder.path)

    def noticed(self, name: str, worker_id: str, facts: Mapping[str, Any]) -> None:
        """Something has happened to a worker in the middle of a run."""
        if self.current is None or self.folder is None:
            return
        worker = roster.label(self._environment.runner, worker_id)
        self.current.events.append(
            {"name": name, "at": time.time(), "worker": worker, "id": worker_id, **facts}
        )
        if name == "worker_left":
            self.folder.ledger.left(worker)

    def reported(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """A worker's report is in."""
        self.observers.reported(worker_id, report)
        if self.folder:
            self.folder.ledger.add(worker_id, report)

    def users_there(self, users: int) -> None:
        """A ramp is over. If it was to the run's highest number, the window opens."""
        run = self.current
        if run is None or run.phase != "ramp" or (run.plan and users < run.plan.users):
            return
        run.phase = "window"
        run.window_start = time.time()
        self._abort.watch(partial(self._end_by_target, run))

    def _end_by_target(self, run: Run, target: Target, reading: Reading) -> None:
        run.aborted = f"{target.text}: {reading.actual:g}{target.unit}, {reading.detail}"
        run.events.append({"name": "target_aborted", "at": time.time(), "target": run.aborted})
        gevent.spawn(self._environment.runner.stop)  # not here: a stop ends the watching, which is us

    def stopping(self) -> None:
        """Users are told to stop; nothing may start any more."""
        self._abort.stop()
        if self.current:
            self.current.phase = "stopping"
            self.current.window_end = time.time()
            self.current.workers = self._environment.runner.worker_count
        if self._ramp:
            self._ramp.kill()
        if self._driver and self._driver is not gevent.getcurrent():
            self._driver.kill()

    def stopped(self) -> None:
        """All users have stopped, all workers have reported: what is left to do is not Locust's affair."""
        if self.current and self.folder:
            self.current.phase = "auditing"
            gevent.spawn(self._finish, self.current, self.folder)
        elif self.current:  # it could not even be begun
            self.cast.choose_usual()
            self.current.phase = "done"

    def see_out(self, seconds: float) -> None:
        """The master is told to end: stop the run in progress, and wait until it has left its results."""
        deadline = time.monotonic() + seconds
        if self.in_progress:
            self._environment.runner.stop()
        while self.current and self.current.phase != "done" and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def _finish(self, run: Run, folder: RunFolder) -> None:
        try:
            self._await_last_reports(folder)
            if run.plan:
                run.stages = self._stages.rows(self.counts, self.observers.samples["workers"])
            self.observers.end(run)  # before the audit, which asks the API too
            self._audit_and_write(run, folder)
        except OSError as error:
            logger.error("stampede: the results of %s cannot be written: %s", run.id, error)
        except Exception as error:
            logger.error("stampede: %s has no verdict: %s: %s", run.id, type(error).__name__, error)
            logger.debug("Traceback", exc_info=True)
        finally:  # whatever happens here, the next run must be able to begin
            folder.leave()
            self.cast.choose_usual()  # the next run's dispatcher takes them at once
            self._are_ready(run.workers)
            run.phase = "done"

    def _await_last_reports(self, folder: RunFolder) -> None:
        """Those of all workers that are there."""
        deadline = time.monotonic() + LAST_REPORTS_TIMEOUT
        while time.monotonic() < deadline:
            if not {*folder.ledger.still_working.values()} & {*roster.there(self._environment.runner)}:
                return
            gevent.sleep(0.05)

    def _audit_and_write(self, run: Run, folder: RunFolder) -> None:
        run.lost_workers = folder.ledger.close()
        self.observers.conclude(run)
        if folder.ledger.error:
            run.findings = {"error": f"the ledger could not be written: {folder.ledger.error}"}
        run.races = list(getattr(self._environment, "stampede_races", ()))
        run.events += [*folder.ledger.events, *self.observers.alarms]
        run.targets = measuring.rows(run.wanted, self.evidence, run.window, self._abort.beyond)
        run.phase = "writing"
        folder.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """What has happened in it until now, as in ``run.json``."""
        if self.current is None:
            return []
        known = set(map(id, self.current.events))  # those of the observers are put there in the end
        elsewhere = [each for each in self.observers.events if id(each) not in known]
        return told([*self.current.events, *elsewhere])

    def _are_ready(self, workers: int) -> bool:
        """Wait a little until so many workers can begin a run: between two they are not listed."""
        deadline = time.monotonic() + READY_TIMEOUT
        while len(self._environment.runner.clients.ready) < workers:
            if time.monotonic() > deadline:
                return False
            gevent.sleep(0.05)
        return True


def _new_id(now: float) -> str:
    """Sorts by time, and differs between clusters that start in the same second."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"

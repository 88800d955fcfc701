"""Starts the runs of a master and drives each to its stop: the same for the browser and for headless.

However a run is started, Locust's events carry it along, through the phases of stampede/facts/run.py. From
its stop on, stampede/run/finisher.py sees it to its results.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

import gevent
from gevent import Greenlet
from gevent.event import Event as Flag
from locust.env import Environment

from stampede.counting.counts import Counts
from stampede.facts.event import Event
from stampede.facts.run import Phase
from stampede.facts.target import MeasuredTarget, Reading, Target
from stampede.plan.cast import Cast
from stampede.plan.profiles import Plan
from stampede.run.abort import Abort
from stampede.run.finisher import Finisher
from stampede.run.observers import Observers
from stampede.run.results import RunFolder
from stampede.run.run import Run
from stampede.run.stages import Stages
from stampede.targets.evidence import Evidence

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.5
"""Seconds between two looks at whether the users of a stage are there."""

READY_TIMEOUT = 5.0
"""Seconds for the workers of a run to be ready for the next; one that has died never will be."""


class RunError(Exception):
    """A run that cannot start; the message says why and what to do."""


class Driver:
    """Starts the runs of one master, one at a time, and drives each to its stop."""

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
        self.evidence = Evidence(counts, lambda: self.observers.samples, self._cores)
        self._finisher = Finisher(environment, counts, self.observers, self.evidence)
        self._stages = Stages(environment)
        self._abort = Abort((), self.evidence)
        self._carrying_out: Greenlet[..., None] | None = None
        self._ramp: Greenlet[..., None] | None = None
        self._next_plan: Plan | None = None
        self.folder: RunFolder | None = None
        self.current: Run | None = None

    def _cores(self) -> int | None:
        """Those of the API's machine, where it is this one too."""
        machine = self.observers.machine
        return machine.cores if machine.generator_shares_cores else None

    @property
    def in_progress(self) -> bool:
        """Return whether a run has begun, or is about to, and has not ended."""
        return self._next_plan is not None or (
            self.current is not None and self.current.phase is not Phase.DONE
        )

    @property
    def may_be_edited(self) -> bool:
        """Return whether a run goes on, and no plan says how many users it has."""
        run = self.current
        return run is not None and run.plan is None and run.phase in (Phase.RAMP, Phase.WINDOW)

    def start(self, plan: Plan, host: str | None) -> None:
        """Begin to carry out a plan. Raises CastError, and RunError where none can begin now."""
        self.refuse_unless_one_can_begin()
        self.cast.choose(plan)
        self._environment.host = host
        self._next_plan = plan
        self._stages = Stages(self._environment)
        self._carrying_out = gevent.spawn(self._carry_out, plan)

    def refuse_unless_one_can_begin(self) -> None:
        """Raise RunError where no run can begin now: another goes on, results cannot be written, or there is
        no worker. Waits a little for a worker."""
        self._refuse_while_in_progress()
        self._refuse_without_results()
        if not self._are_ready(1):
            raise RunError("no worker has joined yet: wait, or look at the workers' logs")
        self._refuse_while_in_progress()  # another start may have been faster

    def _refuse_while_in_progress(self) -> None:
        if self.current and self.current.phase in (Phase.STOPPING, Phase.AUDITING, Phase.WRITING):
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

    def _carry_out(self, plan: Plan) -> None:
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

    # Listeners to Locust's events: stampede/hooks.py registers them.

    def started(self) -> tuple[str, Flag]:
        """The test begins: no user is there yet. Return the run's id, and when there may be one.

        Nothing here waits: until Locust has the state of a run, a stop is not heard.
        """
        plan, self._next_plan = self._next_plan, None
        self.folder = None
        now = time.time()
        run = self.current = Run(_new_id(now), plan, now)
        self.observers.expect(run)
        self._tell_workers(run)
        run.promises = self.cast.promises
        run.targets = [MeasuredTarget(target, None) for target in run.wanted]
        self._abort = Abort(run.wanted, self.evidence)
        try:
            self.folder = RunFolder(self._results, run, self._environment, self.counts)
        except OSError as error:
            logger.error("stampede: no run: %s/ cannot be written: %s", self._results, error.strerror)
            gevent.spawn(self._environment.runner.stop)  # not here: the state is not a run's yet
            return run.id, Flag()
        return run.id, self.observers.begin(self.folder)

    def _tell_workers(self, run: Run) -> None:
        """Locust sends its options to each worker when a run starts."""
        options = vars(self._environment.parsed_options)
        options["run_id"] = run.id
        options["pace_scale"] = self.cast.pace_scale(run.plan)
        options["overload"] = bool(run.plan and run.plan.overload)

    def users_there(self, users: int) -> None:
        """A ramp is over. If it was to the run's highest number, the window opens."""
        run = self.current
        if run is None or run.phase is not Phase.RAMP or (run.plan and users < run.plan.users):
            return
        run.phase = Phase.WINDOW
        run.window_start = time.time()
        self._abort.watch(partial(self._end_by_target, run))

    def _end_by_target(self, run: Run, target: Target, reading: Reading) -> None:
        run.aborted = f"{target.text}: {reading.actual:g}{target.unit}, {reading.detail}"
        run.events.append(Event(name="target_aborted", at=time.time(), facts={"target": run.aborted}))
        gevent.spawn(self._environment.runner.stop)  # not here: a stop ends the watching, which is us

    def stopping(self) -> None:
        """Users are told to stop; nothing may start any more."""
        self._abort.stop()
        if self.current:
            self.current.phase = Phase.STOPPING
            self.current.window_end = time.time()
            self.current.workers = self._environment.runner.worker_count
        if self._ramp:
            self._ramp.kill()
        if self._carrying_out and self._carrying_out is not gevent.getcurrent():
            self._carrying_out.kill()

    def stopped(self) -> None:
        """All users have stopped, all workers have reported: what is left to do is not Locust's affair."""
        if self.current and self.folder:
            self.current.phase = Phase.AUDITING
            gevent.spawn(self._finish, self.current, self.folder)
        elif self.current:  # it could not even be begun
            self.cast.choose_usual()
            self.current.phase = Phase.DONE

    def _finish(self, run: Run, folder: RunFolder) -> None:
        self._finisher.finish(run, folder, self._stages, self._abort.beyond)
        self.cast.choose_usual()  # the next run's dispatcher takes them at once
        self._are_ready(run.workers)
        run.phase = Phase.DONE

    def see_out(self, seconds: float) -> None:
        """The master is told to end: stop the run in progress, and wait until it has left its results."""
        deadline = time.monotonic() + seconds
        if self.in_progress:
            self._environment.runner.stop()
        while self.current and self.current.phase is not Phase.DONE and time.monotonic() < deadline:
            gevent.sleep(0.05)

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

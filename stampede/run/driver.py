"""Starts the runs of a master and drives each to its stop, from the browser and headless alike.

Locust's events move a run through its phases (`Phase` in stampede/facts/run_json.py). After the stop,
stampede/run/finisher.py takes the run to its results.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import UTC, datetime
from functools import partial

import gevent
from gevent import Greenlet
from gevent.event import Event as Flag
from locust import LoadTestShape, User
from locust.env import Environment

from stampede.cluster.roster import STATES_WITH_USERS
from stampede.counting.counts import Counts
from stampede.facts.event import Event
from stampede.facts.run_json import Phase
from stampede.facts.target import MeasuredTarget, Reading, Target
from stampede.plan.cast import Cast
from stampede.plan.hosts import Hosts
from stampede.plan.profiles import Plan
from stampede.plan.shape import ShapeError, Tick, next_tick
from stampede.run.abort import Abort
from stampede.run.finisher import Finisher
from stampede.run.load import Load
from stampede.run.loaded_file import content_hash
from stampede.run.merging import Merging
from stampede.run.observers import Observers
from stampede.run.own_gate import OwnGate
from stampede.run.results import RunFolder
from stampede.run.results_folder import ResultsFolder
from stampede.run.run import Run
from stampede.run.stages import Stages
from stampede.targets.evidence import Evidence

logger = logging.getLogger(__name__)

READY_TIMEOUT = 5.0
"""Seconds to wait until workers are ready for a run; a dead worker never gets ready."""


class RunError(Exception):
    """A run that cannot start; the message says why and what to do."""


class Driver:
    """Starts the runs of one master, one at a time, and drives each to its stop."""

    def __init__(
        self, environment: Environment, counts: Counts, results: ResultsFolder, audited_host: str | None
    ) -> None:
        self._environment = environment
        self.locustfile_hash = content_hash(getattr(environment.parsed_options, "locustfile", None))
        """The hash of the locustfile that the master has loaded; None where it cannot be read."""
        self.counts = counts
        self._results = results
        self.cast = Cast(environment)
        self.hosts = Hosts(environment)
        self.observers = Observers(environment, counts, audited_host)
        self.evidence = Evidence(counts, lambda: self.observers.samples, self._cores)
        self._own_gate = OwnGate(environment, counts.exceptions.count)
        self._finisher = Finisher(environment, counts, self.observers, self.evidence, self._own_gate)
        self._stages = Stages(environment)
        self._abort = Abort((), self.evidence)
        self._merging: Merging | None = None
        self._load: Load | None = None
        """The load of the newest run with a plan."""
        self._load_greenlet: Greenlet[..., None] | None = None
        self._next_plan: Plan | None = None
        self.next_targets: tuple[Target, ...] = ()
        """The targets of the next run, where it starts with the numbers of the UI's form."""
        self._is_headless = False
        self._next_commit: str | None = None
        self._next_id: str | None = None
        self.folder: RunFolder | None = None
        self.current: Run | None = None

    def _cores(self) -> int | None:
        """Return the number of cores of the API's machine; None where that is another machine."""
        machine = self.observers.machine
        return machine.cores if machine.generator_shares_cores else None

    @property
    def in_progress(self) -> bool:
        """Return whether a run is about to begin, or has begun and not ended."""
        return self._next_plan is not None or (
            self.current is not None and self.current.phase is not Phase.DONE
        )

    @property
    def shape(self) -> LoadTestShape | None:
        """Return the locustfile's shape, which sets the load of each run; None where it has none."""
        return self._environment.shape_class

    @property
    def may_be_edited(self) -> bool:
        """Return whether the number of users may be changed: users are running, and not by a plan."""
        run = self.current
        return run is not None and run.plan is None and run.phase in (Phase.RAMP, Phase.WINDOW)

    def start(
        self, plan: Plan, host: str | None, commit: str | None = None, *, is_headless: bool = False
    ) -> str:
        """Start a run of the plan, and return its id. A headless run was not started in the browser.

        `commit` is the git commit of the locustfile, where it is known.

        Raises CastError, and RunError where no run can start now.
        """
        self.check_can_start()
        self.cast.choose(plan)
        first_tick = self._first_tick() if plan.shape else None
        self._environment.host = host
        # Before the listeners of the test's start, which may read Locust's options.
        vars(self._environment.parsed_options).update({**plan.options, "host": host})
        self._next_plan, self._is_headless, self._next_commit = plan, is_headless, commit
        self._next_id = run_id = _new_id(time.time())
        self._stages = Stages(self._environment)
        self._load = Load(self._environment, plan, self._stages, first_tick)
        self._load_greenlet = gevent.spawn(self._carry_out, self._load)
        return run_id

    def _first_tick(self) -> Tick:
        """Return what the shape wants at the start. Raises RunError where that cannot be followed."""
        shape = self._environment.shape_class
        shape.reset_time()
        try:
            tick = next_tick(shape)
        except ShapeError as error:
            raise RunError(str(error)) from error
        if tick is None:
            raise RunError(f"{type(shape).__name__}.tick() ends the run at once: it returned None first")
        return tick

    def check_can_start(self) -> None:
        """Raise RunError where no run can start now.

        Reasons: another run is in progress, the results folder cannot be written, the locustfile has a
        dispatcher of its own, or no worker is ready within READY_TIMEOUT.
        """
        self._refuse_while_in_progress()
        self._refuse_other_dispatcher()
        self._refuse_without_results()
        self.cast.check_tags()
        if not self._wait_for_workers(1):
            raise RunError("no worker has joined yet: wait, or see `make logs`")
        self._refuse_while_in_progress()  # another run may have started during the wait

    def _refuse_while_in_progress(self) -> None:
        if self.current and self.current.phase in (Phase.STOPPING, Phase.AUDITING, Phase.WRITING):
            raise RunError("the audit of the last run is in progress: try again in a moment")
        if self.in_progress:
            raise RunError("a run is in progress: wait for its end, or stop it in the browser")

    def _refuse_other_dispatcher(self) -> None:
        maker = self._environment.dispatcher_class
        if not getattr(maker, "__module__", "").startswith("stampede."):
            raise RunError(
                f"the locustfile sets environment.dispatcher_class = {getattr(maker, '__name__', maker)}: "
                "remove it, Stampede distributes the users itself (docs/locust.md)"
            )

    def _refuse_without_results(self) -> None:
        try:
            self._results.check_writable()
        except OSError as error:
            raise RunError(f"{self._results.path}/ cannot be written: {error.strerror}") from error

    def _carry_out(self, load: Load) -> None:
        try:
            is_complete = load.carry_out(lambda: self._next_plan is None, self._first_user_runs)
        except ShapeError as error:
            self._stop_by_shape(error)
            return
        if self._next_plan is not None:  # the run never began: the last worker left during the start
            self._next_plan = self._next_id = None
            self.cast.choose_default()
        elif self.current:
            self.current.as_planned = is_complete
        self._environment.runner.stop()

    def _first_user_runs(self) -> None:
        """Begin to count the time of the run; the window of a shape's run opens too."""
        if self.current:
            self.current.first_user_at = time.time()
            if self.current.plan and self.current.plan.shape:
                self._open_window()

    def _stop_by_shape(self, error: ShapeError) -> None:
        logger.error("stampede: the run is stopped: %s", error)
        if self.current and self._next_plan is None:
            self.current.events.append(
                Event(name="shape_failed", at=time.time(), facts={"cause": str(error)})
            )
        self._next_plan = self._next_id = None
        self._environment.runner.stop()

    # Listeners of Locust's events; stampede/hooks.py registers them.

    def started(self) -> tuple[str, Flag]:
        """Begin a run, as Locust's test starts; return its id, and the flag that is set when users may start.

        This must not wait: Locust ignores a stop until the test has started.
        """
        plan, self._next_plan = self._next_plan, None
        run_id, self._next_id = self._next_id, None
        targets, self.next_targets = self.next_targets, ()
        self.folder = self._merging = None
        now = time.time()
        run = self.current = Run(run_id or _new_id(now), plan, now, form_targets=targets)
        run.is_headless, self._is_headless = self._is_headless, False
        run.locustfile_commit, self._next_commit = self._next_commit, None
        self._own_gate.begin()
        self.observers.prepare(run)
        self._set_worker_options(run)
        run.promises = self.cast.promises
        run.targets = [MeasuredTarget(target, None) for target in run.stated_targets]
        self._abort = Abort(run.stated_targets, self.evidence)
        try:
            self.folder = RunFolder(self._results, run, self._environment, self.counts)
        except OSError as error:
            logger.error("stampede: no run: %s/ cannot be written: %s", self._results.path, error.strerror)
            gevent.spawn(self._stop)  # in a greenlet: Locust's test has not started yet
            return run.id, Flag()
        may_start = self.observers.begin(self.folder)
        self._merging = Merging(run, self.counts, self.observers, self._stages, self.evidence)
        self._merging.start()
        return run.id, may_start

    def _set_worker_options(self, run: Run) -> None:
        """Set options of the run; Locust sends all its options to each worker at the start."""
        options = vars(self._environment.parsed_options)
        options["stampede_run_id"] = run.id
        options["stampede_overload"] = bool(run.plan and run.plan.overload)

    def user_classes(self) -> list[type[User]]:
        """Return the classes of the run, and set their pace.

        This is called after the listeners of its start, which may change classes, weights and fixed counts.
        """
        plan = self.current.plan if self.current else None
        vars(self._environment.parsed_options)["stampede_pace_scale"] = self.cast.pace_scale(plan)
        classes: list[type[User]] = self._environment.user_classes
        return classes

    def ramp_finished(self, users: int) -> None:
        """Open the window, if the ramp that ended was to the run's highest number of users."""
        run, plan = self.current, self.current and self.current.plan
        if self._load:
            self._load.ramp_ended()
        if run is None or (plan and (plan.shape or users < plan.users)):
            return
        self._open_window()

    def _open_window(self) -> None:
        """Open the window, unless it is open: its seconds count in the figures."""
        run = self.current
        if run is None or run.phase is not Phase.RAMP:
            return
        run.phase = Phase.WINDOW
        run.window_start = time.time()
        self._abort.watch(partial(self._end_by_target, run))

    def _end_by_target(self, run: Run, target: Target, reading: Reading) -> None:
        run.aborted = f"{target.text}: {reading.actual:g}{target.unit}, {reading.detail}"
        run.events.append(Event(name="target_aborted", at=time.time(), facts={"target": run.aborted}))
        gevent.spawn(self._stop)  # in a greenlet: a stop kills the watcher, which runs this

    def _stop(self) -> None:
        """Stop the run, as soon as Locust's test has started: until then Locust ignores a stop."""
        while self.current and self.current.phase in (Phase.RAMP, Phase.WINDOW):
            if self._environment.runner.state in STATES_WITH_USERS:
                self._environment.runner.stop()
                return
            gevent.sleep(0.05)

    def stop_by_locustfile(self, cause: str) -> None:
        """Stop the run in progress, as something in the locustfile asks for it. The first cause counts."""
        run = self.current
        if run is None or run.phase not in (Phase.RAMP, Phase.WINDOW):
            logger.info("stampede: %s: no run is in progress", cause)
            return
        if run.stopped_by:
            return
        run.stopped_by = cause
        run.events.append(Event(name="locustfile_stopped", at=time.time(), facts={"cause": cause}))
        gevent.spawn(self._stop)  # in a greenlet: a listener of this run's start may have called this

    def stopping(self) -> None:
        """Stop the plan, the ramp and the abort checks, as users begin to stop; end the window."""
        self._abort.stop()
        if self._merging:
            self._merging.stop()
        if self.current:
            self.current.phase = Phase.STOPPING
            self.current.window_end = time.time()
            self.current.workers = self._environment.runner.worker_count
        if self._load_greenlet and self._load_greenlet is not gevent.getcurrent():
            self._load_greenlet.kill()
        if self._load:
            self._load.stop()

    def stopped(self) -> None:
        """Finish the run in the background, as Locust's test has stopped."""
        if self.current and self.folder and self._merging:
            self.current.phase = Phase.AUDITING
            gevent.spawn(self._finish, self.current, self.folder, self._merging)
        elif self.current:  # the run could not begin: its folder cannot be written
            self.cast.choose_default()
            self.current.phase = Phase.DONE

    def _finish(self, run: Run, folder: RunFolder, merging: Merging) -> None:
        self._finisher.finish(run, folder, self._stages, self._abort.exceeded, merging)
        self.cast.choose_default()  # before the next run: its dispatcher reads them at once
        self._wait_for_workers(run.workers)
        run.phase = Phase.DONE

    def shut_down(self, seconds: float) -> None:
        """Stop the run in progress, and wait at most `seconds` until its results are written."""
        deadline = time.monotonic() + seconds
        if self.in_progress:
            self._environment.runner.stop()
        while self.current and self.current.phase is not Phase.DONE and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def _wait_for_workers(self, workers: int) -> bool:
        """Wait until so many workers are ready for a run; return False after READY_TIMEOUT.

        For a moment between two runs, Locust lists no worker as ready.
        """
        deadline = time.monotonic() + READY_TIMEOUT
        while len(self._environment.runner.clients.ready) < workers:
            if time.monotonic() > deadline:
                return False
            gevent.sleep(0.05)
        return True


def _new_id(now: float) -> str:
    """Return an id that sorts by time and differs between clusters that start in the same second."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"

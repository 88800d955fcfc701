"""One run, from start to results: the same for the browser and for headless.

A run goes through the phases *ramp* (users are starting), *window* (all are there; figures are of
this part), *stopping* (users finish what they have, workers report the rest) and *done* (results
are written). Whoever starts it, Locust's events carry it along.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
from gevent import Greenlet
from locust.env import Environment

from stampede import figures, pace
from stampede.figures import Look, Route
from stampede.outcomes import Outcomes
from stampede.profiles import UNPACED, Plan
from stampede.results import RunFolder

RESULTS_SCHEMA = 1


class RunError(Exception):
    """A run that cannot start; the message says why and what to do."""


@dataclass(slots=True)
class Run:
    """What is known of one run. Times are seconds since the epoch."""

    id: str
    plan: Plan | None
    started: float
    phase: str = "ramp"
    window_start: float | None = None
    window_end: float | None = None
    before_window: dict[Route, Look] = field(default_factory=dict)
    workers: int = 0
    as_planned: bool = False
    """The plan was carried out to its end; False while it goes on, and when something ended it early."""


class Runs:
    """The runs of one master: starts them, follows them, writes down what they left."""

    def __init__(self, environment: Environment, outcomes: Outcomes, results: Path) -> None:
        self._environment = environment
        self._outcomes = outcomes
        self._results = results
        self._usual_users = list(environment.user_classes)
        self._driver: Greenlet[..., None] | None = None
        self._next_plan: Plan | None = None
        self._folder: RunFolder | None = None
        self.current: Run | None = None

    @property
    def in_progress(self) -> bool:
        """Whether a run has begun, or is about to, and has not ended."""
        return self._next_plan is not None or (self.current is not None and self.current.phase != "done")

    def start(self, plan: Plan, host: str | None = None) -> None:
        """Begin to carry out a plan. Raises RunError while a run is in progress or cannot begin."""
        if self.in_progress:
            raise RunError("a run is in progress: wait for its end, or stop it in the browser")
        if not self._environment.runner.clients.ready:
            raise RunError("no worker has joined yet: wait, or look at the workers' logs")
        self._choose_users(plan)
        if host:
            self._environment.host = host
        self._next_plan = plan
        self._driver = gevent.spawn(self._drive, plan)

    def _choose_users(self, plan: Plan) -> None:
        """Let the classes take part that the plan names, the usual ones where it names none."""
        available = self._environment.available_user_classes
        if unknown := set(plan.user_classes) - set(available):
            raise RunError(
                f"the locustfile has no user '{min(unknown)}', which profile '{plan.profile}' names: "
                f"it has {', '.join(sorted(available))}"
            )
        named = [available[name] for name in plan.user_classes]
        for user_class in named:
            user_class.weight = user_class.weight or 1  # who is named takes part, also at weight 0
        self._environment.user_classes = named or self._usual_users

    def _drive(self, plan: Plan) -> None:
        runner = self._environment.runner
        end = time.monotonic()
        for stage in plan.stages:
            end += stage.duration
            ramp = gevent.spawn(runner.start, stage.users, stage.spawn_rate)
            gevent.sleep(max(0, end - time.monotonic()))
            ramp.kill()  # where the stage was too short for it
        if self.current:
            self.current.as_planned = True
        runner.stop()

    # What Locust's events tell.

    def started(self) -> None:
        """The test begins: no user is there yet."""
        plan, self._next_plan = self._next_plan, None
        now = time.time()
        self.current = Run(_new_id(now), plan, now)
        self._folder = RunFolder(self._results, self.current.id, self._environment)
        options = vars(self._environment.parsed_options)
        options["run_id"] = self.current.id
        options["pace_scale"] = self._pace_scale(plan)

    def all_users_there(self, report_interval: float) -> None:
        """The ramp is over (again, after a change): the window opens when its counts have come in."""
        run = self.current
        if run is None or run.phase != "ramp":
            return
        run.phase = "window"
        gevent.spawn(self._open_window, run, report_interval)

    def _open_window(self, run: Run, report_interval: float) -> None:
        gevent.sleep(report_interval)
        run.before_window = figures.look(self._environment.stats)
        run.window_start = time.time()

    def stopping(self) -> None:
        """Users are told to stop."""
        if self.current:
            self.current.phase = "stopping"
            self.current.window_end = time.time()
            self.current.workers = self._environment.runner.worker_count
        if self._driver and self._driver is not gevent.getcurrent():
            self._driver.kill()

    def stopped(self) -> None:
        """All users have stopped, all workers have reported."""
        if self.current is None or self._folder is None:
            return
        self._folder.close(self.as_json(self.current))
        self.current.phase = "done"

    def _pace_scale(self, plan: Plan | None) -> float | None:
        if plan is None or plan.pace is None:
            return None
        if plan.pace == UNPACED:
            return UNPACED
        return pace.factor(self._environment.user_classes, plan.users, plan.pace)

    def as_json(self, run: Run) -> dict[str, Any]:
        """Facts and figures of a run, as in ``run.json``: times in ms, rates per second."""
        environment, plan = self._environment, run.plan
        routes = figures.since(figures.look(environment.stats), run.before_window)
        total = environment.stats.total
        return {
            "schema": RESULTS_SCHEMA,
            "id": run.id,
            "profile": plan and plan.profile,
            "host": environment.host,
            "locustfile": environment.locustfile,
            "users": plan.users if plan else environment.runner.target_user_count,
            "workers": run.workers,
            "started_at": _iso(run.started),
            "ended_at": _iso(time.time()),
            "as_planned": run.as_planned,
            "requests": total.num_requests,
            "failures": total.num_failures,
            "outcomes": self._outcomes.by_route(),
            "errors": [error.to_dict() for error in environment.stats.errors.values()],
            "exceptions": _exceptions(environment),
            "window": self._window(run, routes),
        }

    def _window(self, run: Run, routes: dict[Route, Look]) -> dict[str, Any] | None:
        """None where the run ended before all users were there."""
        if run.window_start is None or run.window_end is None or run.window_end <= run.window_start:
            return None
        return {
            "seconds": round(run.window_end - run.window_start, 1),
            "rps": figures.rate(self._environment.stats, run.window_start, run.window_end),
            "by_method": {method: counts.figures() for method, counts in figures.by_method(routes).items()},
            "routes": [
                {"method": method, "name": name, **counts.figures()}
                for (method, name), counts in sorted(routes.items())
            ],
        }


def _exceptions(environment: Environment) -> list[dict[str, Any]]:
    return [
        {"count": exception["count"], "message": exception["msg"], "traceback": exception["traceback"]}
        for exception in environment.runner.exceptions.values()
    ]


def _new_id(now: float) -> str:
    """Sorts by time, and differs between clusters that start in the same second."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")

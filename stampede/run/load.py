"""The load of a run in progress: the stages of its plan, or the ticks of the locustfile's shape."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent import Greenlet
from gevent.event import Event as Flag
from locust import LoadTestShape
from locust.env import Environment

from stampede.plan.profiles import Plan
from stampede.plan.shape import TICK_INTERVAL, Tick, next_tick
from stampede.run.stages import Stages

POLL_INTERVAL = 0.5
"""Seconds between two checks whether all users of a stage are running."""

FIRST_USER_INTERVAL = 0.05
"""Seconds between two checks whether the first user is running."""


class Load:
    """Sets the number of users of one run, second by second."""

    def __init__(
        self, environment: Environment, plan: Plan, stages: Stages, first_tick: Tick | None = None
    ) -> None:
        """Prepare the load of a plan. `first_tick` is what its shape wants at the start."""
        self._environment = environment
        self._first_tick = first_tick
        self._plan = plan
        self._stages = stages
        self._ramp: Greenlet[..., None] | None = None
        self._ramp_has_ended = Flag()

    def carry_out(self, has_begun: Callable[[], bool], on_first_user: Callable[[], None]) -> bool:
        """Carry out the load to its end; return False where the run never began.

        `has_begun` returns whether the test has started. `on_first_user` is called when users are there: from
        then on the time of the run counts. Raises ShapeError.
        """
        if self._first_tick:
            shape = self._environment.shape_class
            return self._follow(shape, self._first_tick, has_begun, on_first_user)
        return self._pass_stages(has_begun, on_first_user)

    def ramp_ended(self) -> None:
        """Note that all users of a ramp have been started. They may have ended by themselves since."""
        self._ramp_has_ended.set()

    def stop(self) -> None:
        """Stop the ramp in progress."""
        if self._ramp:
            self._ramp.kill()

    def _pass_stages(self, has_begun: Callable[[], bool], on_first_user: Callable[[], None]) -> bool:
        end = None
        for stage in self._plan.stages:
            self._stages.begin(stage.users)
            self._begin_ramp(Tick(stage.users, stage.spawn_rate))
            if end is None:
                if not self._await_first_user(has_begun):
                    return False
                on_first_user()
                end = time.monotonic()
            end += stage.duration
            while (left := end - time.monotonic()) > 0:
                gevent.sleep(min(left, POLL_INTERVAL))
                self._stages.check_users()
            self._stages.end()
        return True

    def _follow(
        self,
        shape: LoadTestShape,
        wanted: Tick,
        has_begun: Callable[[], bool],
        on_first_user: Callable[[], None],
    ) -> bool:
        """Ask the shape each second, and begin each change without waiting for the users of the last one."""
        self._begin_ramp(wanted)
        if not self._await_first_user(has_begun, wants_users=wanted.users > 0):
            return False
        shape.reset_time()
        on_first_user()
        next_at = time.monotonic()
        while (tick := next_tick(shape)) is not None:
            if tick != wanted:
                wanted = tick
                self._begin_ramp(tick)
            next_at += TICK_INTERVAL
            gevent.sleep(max(0.0, next_at - time.monotonic()))
        return True

    def _begin_ramp(self, tick: Tick) -> None:
        """Change the number of users in the background; a ramp in progress goes on from where it is."""
        self.stop()
        self._ramp_has_ended.clear()
        user_classes = None if tick.user_classes is None else list(tick.user_classes)
        runner = self._environment.runner
        self._ramp = gevent.spawn(runner.start, tick.users, tick.spawn_rate, user_classes=user_classes)

    def _await_first_user(self, has_begun: Callable[[], bool], *, wants_users: bool = True) -> bool:
        """Wait for the first user; return False where the run never begins, as the last worker has left.

        Listeners of the test's start may take long, on the master and on the workers. Users that end at once
        are never seen running: the end of the ramp counts too.
        """
        runner = self._environment.runner
        while not (has_begun() and (runner.user_count or self._ramp_has_ended.is_set() or not wants_users)):
            if self._ramp is not None and self._ramp.ready() and not has_begun():
                return False
            gevent.sleep(FIRST_USER_INTERVAL)
        return True

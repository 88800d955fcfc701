"""Runs users so that each task is executed once, in the order in which the locustfile defines it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NoReturn

from geventhttpclient.useragent import ConnectionError as FastConnectionError
from greenlet import GreenletExit
from locust import SequentialTaskSet, TaskSet, User
from locust.env import Environment
from locust.exception import (
    CatchResponseError,
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.user.markov_taskset import MarkovTaskSet, is_markov_task
from locust.user.task import LOCUST_STATE_RUNNING, DefaultTaskSet
from locust.user.users import PytestUser
from requests import RequestException

from stampede.cluster.user_patches import check_constructed
from stampede.counting.unreported import Unreported
from stampede.trial.limit import LIMIT, NotFinishedError, limited
from stampede.trial.printer import Printer, say

FAILED = 10
"""The exit code where something has failed."""

MEANINGS: dict[type[BaseException], str] = {
    StopUser: "StopUser: in a run, the user ends here",
    StopTest: "StopTest: in a run, the whole run stops here",
    InterruptTaskSet: "interrupt(): in a run, the user leaves the task set here",
    RescheduleTask: "RescheduleTask: in a run, another task is next",
    RescheduleTaskImmediately: "RescheduleTaskImmediately: in a run, another task is next",
}
"""What Locust's own exceptions do in a run. Here the next task follows."""

LEAVES = (InterruptTaskSet, StopUser, StopTest)
"""What ends a sequence before its last task. After another exception, a run goes on with its next task."""

ALREADY_FAILED = (RequestException, CatchResponseError, FastConnectionError)
"""What raise_for_status() raises in a test function, for a request that has been reported as failed."""


class OnePass:
    """One pass of one user of each class. It replaces the loops in which Locust's users run."""

    def __init__(self, environment: Environment, printer: Printer, unreported: Unreported) -> None:
        self._environment = environment
        self._printer = printer
        self._unreported = unreported
        # They are marked as final: no class of a locustfile has its own.
        User.run = lambda user: self._run_user(user)
        PytestUser.run = lambda user: self._run_test_functions(user)
        TaskSet.run = lambda task_set: self._run_task_set(task_set)
        TaskSet.wait = lambda task_set: task_set.wait_time()  # computed, as it may raise; not waited for

    def run(self, user_classes: Iterable[type[User]]) -> None:
        """Run a user of each class, one after the other."""
        for user_class in user_classes:
            user: list[User] = []
            construct = partial(self._construct, user_class, user)
            if self.attempt(f"{user_class.__name__}.__init__", construct) is None:
                user[0].start(self._environment.runner.user_greenlets).get()

    def _construct(self, user_class: type[User], users: list[User]) -> None:
        user = user_class(self._environment)
        check_constructed(user)
        users.append(user)

    def _run_user(self, user: User) -> None:
        name = type(user).__name__
        user._state = LOCUST_STATE_RUNNING
        user._taskset_instance = DefaultTaskSet(user)
        if self.attempt(f"{name}.on_start", user.on_start) is None:
            user._taskset_instance.run()
            self.attempt(f"{name}.on_stop", user.on_stop)
        else:
            self._printer.note(f"the tasks of {name} are not run: on_start did not come to its end")

    def _run_test_functions(self, user: PytestUser) -> None:
        user._state = LOCUST_STATE_RUNNING
        for function in user.functions:
            self.attempt(function.name, partial(_call_test, user, function), is_task=True)

    def _run_task_set(self, task_set: TaskSet) -> None:
        path = _path(task_set)
        tasks: list[Any] = []
        begin = (f"{path}.on_start", task_set.on_start), (path, lambda: tasks.extend(_tasks(task_set)))
        if any(self.attempt(title, act) is not None for title, act in begin):
            return
        for number, task in enumerate(tasks, 1):
            end = self._run_task(task_set, path, task)
            if isinstance(task_set, SequentialTaskSet) and isinstance(end, LEAVES):
                self._print_skipped(path, tasks[number:])
                break
        self.attempt(f"{path}.on_stop", task_set.on_stop)

    def _run_task(self, task_set: TaskSet, path: str, task: Any) -> BaseException | None:
        """Run a task, or the tasks of a nested task set. Return what it has raised."""
        title = f"{path}.{_name(task)}"
        task_set.user._state = LOCUST_STATE_RUNNING
        if _is_task_set(task):  # its tasks have a limit each
            return self.attempt(title, partial(task_set.execute_task, task), limit=None)
        return self.attempt(title, partial(_execute, task_set, task), is_task=True)

    def _print_skipped(self, path: str, tasks: Sequence[Any]) -> None:
        if tasks:
            names = ", ".join(map(_name, tasks))
            self._printer.note(f"the rest of the sequence {path} is not run: {names}")

    def attempt(
        self, title: str, act: Callable[[], Any], *, is_task: bool = False, limit: float | None = LIMIT
    ) -> BaseException | None:
        """Call `act`, and print what it has raised, which is returned; None if it came to its end."""
        self._printer.totals.tasks += is_task
        with self._printer.below(title, at_once=is_task):
            end = self._call(act, limit)
            self._print_end(end, limit)
            self._printer.unreported(self._unreported.facts())
            self._unreported.clear()
        return end

    def _call(self, act: Callable[[], Any], limit: float | None) -> BaseException | None:
        try:
            if limit is None:
                act()
            else:
                with limited(limit, self._give_up):
                    act()
        except (Exception, SystemExit, GreenletExit) as end:
            return end
        return None

    def _print_end(self, end: BaseException | None, limit: float | None) -> None:
        match end:
            case None:
                pass
            case NotFinishedError():
                self._printer.not_finished(limit or 0)
            case GreenletExit():
                self._printer.note("it was killed: in a run, the user ends here")
            case _ if type(end) in MEANINGS:
                self._printer.note(MEANINGS[type(end)])
            case _:
                self._printer.exception(end)

    def _give_up(self) -> NoReturn:
        """End the process in the middle of a task that catches every exception."""
        self._printer.not_finished(LIMIT)
        self._printer.note("it catches the exception that was to end it: no other task is run")
        say(f"\n{self._printer.totals}")
        os._exit(FAILED)


def _tasks(task_set: TaskSet) -> list[Any]:
    """Return the tasks of a task set, each once, whatever its weight is."""
    if isinstance(task_set, MarkovTaskSet):
        classes = reversed(type(task_set).__mro__)
        return [each for one in classes for each in vars(one).values() if is_markov_task(each)]
    holder = task_set.user if isinstance(task_set, DefaultTaskSet) else task_set
    # Without tasks, a method of the locustfile's own may choose one. Locust's raises, with a hint.
    return list(dict.fromkeys(holder.tasks)) or [task_set.get_next_task()]


def _execute(task_set: TaskSet, task: Any) -> None:
    task_set.execute_task(task)
    task_set.wait()


def _call_test(user: PytestUser, function: Any) -> None:
    """Call a test function with its fixture, as Locust does."""
    try:
        function.obj(next(function.fixturedef.func(user)))
    except ALREADY_FAILED as error:
        if isinstance(error, ValueError):  # such as MissingSchema: no request was sent
            raise


def _is_task_set(task: Any) -> bool:
    return isinstance(task, type) and issubclass(task, TaskSet)


def _name(task: Any) -> str:
    return getattr(task, "__name__", None) or type(task).__name__


def _path(task_set: TaskSet) -> str:
    """Return the names of a task set, of those around it, and of its user: `Visitor.Forum.Thread`."""
    if isinstance(task_set, DefaultTaskSet):
        return type(task_set.user).__name__
    around = task_set.parent
    before = _path(around) if isinstance(around, TaskSet) else type(around).__name__
    return f"{before}.{type(task_set).__name__}"

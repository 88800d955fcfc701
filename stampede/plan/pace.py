"""Pace: scales the users' waits so that all users together send at a given rate.

A paced wait starts when the task was *due*, not when its response arrived. So a slow API does not lower the
rate that is offered to it, and a late user does not wait until it has caught up. The first request of a task
carries the time at which it was due in its context.

A task with three requests is followed by three waits: the rate is of requests, not of tasks. Locust's clients
ask for a request's context once, which is how requests are counted. A task without a request, or of a client
that asks for no context, counts as one request.

A class without a wait, or with one that cannot be known in advance (it reads attributes of the user), is
paced as if it waited for a second. A class with `sets_own_pace` is never paced: racers wait for their round.

What is kept in a user begins with `_stampede_`: a locustfile may have attributes such as `_requests`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from statistics import fmean
from time import perf_counter, time
from types import SimpleNamespace
from typing import Any

from locust import TaskSet, User, between

from stampede.counting.request import DUE

WaitTime = Callable[[User], float]
Context = Callable[[User], dict[str, Any]]

SAMPLES = 1000
"""Calls of a class's wait_time to estimate its mean: wait_time is a closure, its formula is hidden."""

SUBSTITUTE_WAIT: WaitTime = between(0.5, 1.5)
"""The wait of a class that has none, before it is scaled."""

_own_waits: dict[type[User], WaitTime] = {}
_own_contexts: dict[type[User], Context] = {}
_waits_of_task_sets: dict[type[TaskSet], Callable[[TaskSet], float]] = {}


def factor(user_classes: Iterable[type[User]], users: int, rate: float) -> float:
    """Return the factor for all waits at which `users` users send `rate` requests per second.

    Return 0 where every class sets its own pace. Users are divided among the classes as Locust does: fixed
    counts first, the others by weight.
    """
    own_rate = sum(count / _mean(_wait_to_scale(cls)) for cls, count in _users_of(user_classes, users))
    return own_rate / rate


def _users_of(user_classes: Iterable[type[User]], users: int) -> Iterator[tuple[type[User], float]]:
    """Yield each class that can be paced, and how many of the users are of it."""
    classes = list(user_classes)
    wanted = sum(cls.fixed_count for cls in classes)
    fixed = min(users, wanted)
    weight = sum(cls.weight for cls in classes if not cls.fixed_count) or 1
    for cls in classes:
        if not _sets_own_pace(cls):
            is_fixed = cls.fixed_count > 0
            yield cls, fixed * cls.fixed_count / wanted if is_fixed else (users - fixed) * cls.weight / weight


def apply(user_classes: Iterable[type[User]], scale: float | None) -> None:
    """Scale the classes' waits by `scale`: 0 removes the waits, None restores the original ones."""
    user_classes = list(user_classes)
    # Store all original waits before any is replaced: a class may inherit its wait from another one here.
    for user_class in user_classes:
        _own_waits.setdefault(user_class, user_class.wait_time)
        _own_contexts.setdefault(user_class, user_class.context)
    for user_class in user_classes:
        wait_time, context = _own_waits[user_class], _own_contexts[user_class]
        own_scale = None if _sets_own_pace(user_class) else scale
        if own_scale == 0:
            wait_time = _no_wait
        elif own_scale is not None:
            wait_time, context = _paced(_wait_to_scale(user_class), own_scale), _with_due_time(context)
        user_class.wait_time, user_class.context = wait_time, context
        _apply_to_task_sets(user_class, has_pace=own_scale is not None)


def _apply_to_task_sets(user_class: type[User], *, has_pace: bool) -> None:
    """Remove the own waits of a class's task sets, which override the user's. Restore them without a pace."""
    for task_set in _task_sets(user_class):
        if task_set.wait_time is not TaskSet.wait_time:
            _waits_of_task_sets.setdefault(task_set, task_set.wait_time)
        if task_set in _waits_of_task_sets:
            task_set.wait_time = TaskSet.wait_time if has_pace else _waits_of_task_sets[task_set]


def _task_sets(user_class: type[User]) -> set[type[TaskSet]]:
    """Return the task sets of a user class, and all that they contain."""
    found: set[type[TaskSet]] = set()
    holders: list[type[User | TaskSet]] = [user_class]
    while holders:
        tasks = {task for task in holders.pop().tasks if isinstance(task, type) and issubclass(task, TaskSet)}
        holders += tasks - found
        found |= tasks
    return found


def _sets_own_pace(user_class: type[User]) -> bool:
    return bool(getattr(user_class, "sets_own_pace", False))


def _no_wait(_user: User) -> float:
    return 0.0


def _paced(own: WaitTime, scale: float) -> WaitTime:
    def wait_time(user: User) -> float:
        now = perf_counter()
        requests = max(1, user.__dict__.pop("_stampede_requests", 0))  # of the task that has just ended
        due: float = getattr(user, "_stampede_due", now) + _draw(own, user) * scale * requests
        user._stampede_due = user._stampede_task_due = due
        return max(0.0, due - now)

    return wait_time


def _with_due_time(own: Context) -> Context:
    def context(user: User) -> dict[str, Any]:
        attributes = user.__dict__
        attributes["_stampede_requests"] = attributes.get("_stampede_requests", 0) + 1
        due: float | None = attributes.pop("_stampede_task_due", None)  # only the task's first request has it
        return {**own(user), DUE: None if due is None else time() - perf_counter() + due}

    return context


def _wait_to_scale(user_class: type[User]) -> WaitTime:
    """Return the own wait of a class; the substitute where it has none, or where it needs a real user."""
    own = _own_waits.get(user_class, user_class.wait_time)
    return own if _mean(own) else SUBSTITUTE_WAIT


def _mean(wait_time: WaitTime) -> float:
    """Return the mean of a wait in seconds; 0 where there is no wait, or where it needs a real user."""
    try:
        return max(0.0, fmean(_draw(wait_time, SimpleNamespace()) for _ in range(SAMPLES)))
    except Exception:  # wait_time is code of the locustfile: it may raise anything
        return 0.0


def _draw(own: WaitTime, user: Any) -> float:
    """Return one wait in seconds.

    `constant_pacing` and `constant_throughput` subtract the time since the user's last task. Here that task
    always seems to have just begun, because a paced wait makes up for lateness itself.
    """
    user._cp_last_run, user._cp_last_wait_time = perf_counter(), 0.0
    return own(user)

"""Pace: scales the users' waits so that all users together offer a given rate.

A paced wait starts when the task was *due*, not when its response arrived. So a slow API does not lower the
rate that is offered to it, and a late user does not wait until it has caught up. One task counts as one
request. The request carries the time at which it was due in its context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean
from time import perf_counter, time
from types import SimpleNamespace
from typing import Any

from locust import User

from stampede.counting.latency import DUE

WaitTime = Callable[[User], float]
Context = Callable[[User], dict[str, Any]]

SAMPLES = 1000
"""Calls of a class's wait_time to estimate its mean: wait_time is a closure, its formula is hidden."""

_own_waits: dict[type[User], WaitTime] = {}
_own_contexts: dict[type[User], Context] = {}


def factor(user_classes: Iterable[type[User]], users: int, rate: float) -> float:
    """Return the factor for all waits at which `users` users offer `rate` requests per second.

    Return 0 where no class has a wait. Users are divided among the classes by weight. Classes without a wait
    are left out: they send as fast as responses arrive, whatever the pace.
    """
    waits = {user_class: _mean_wait(user_class) for user_class in user_classes}
    weight = sum(user_class.weight for user_class in waits) or 1
    own_rate: float = sum(users * cls.weight / weight / wait for cls, wait in waits.items() if wait > 0)
    return own_rate / rate


def apply(user_classes: Iterable[type[User]], scale: float | None) -> None:
    """Scale the classes' waits by `scale`: 0 removes the waits, None restores the original ones."""
    user_classes = list(user_classes)
    # Store all original waits before any is replaced: a class may inherit its wait from another one here.
    for user_class in user_classes:
        _own_waits.setdefault(user_class, user_class.wait_time)
        _own_contexts.setdefault(user_class, user_class.context)
    for user_class in user_classes:
        wait_time, context = _own_waits[user_class], _own_contexts[user_class]
        if scale == 0:
            wait_time = _no_wait
        elif scale is not None and _mean_wait(user_class):
            wait_time, context = _paced(wait_time, scale), _with_due_time(context)
        user_class.wait_time, user_class.context = wait_time, context


def _no_wait(_user: User) -> float:
    return 0.0


def _paced(own: WaitTime, scale: float) -> WaitTime:
    def wait_time(user: User) -> float:
        now = perf_counter()
        due: float = getattr(user, "_due", now) + _draw(own, user) * scale
        user._due = user._task_due = due
        return max(0.0, due - now)

    return wait_time


def _with_due_time(own: Context) -> Context:
    def context(user: User) -> dict[str, Any]:
        due: float | None = user.__dict__.pop("_task_due", None)  # only the task's first request has it
        return {**own(user), DUE: None if due is None else time() - perf_counter() + due}

    return context


def _mean_wait(user_class: type[User]) -> float:
    """Return the mean in seconds; 0 where there is no wait, or where it needs a real user."""
    own = _own_waits.get(user_class, user_class.wait_time)
    try:
        return max(0.0, fmean(_draw(own, SimpleNamespace()) for _ in range(SAMPLES)))
    except Exception:  # wait_time is code of the locustfile: it may raise anything
        return 0.0


def _draw(own: WaitTime, user: Any) -> float:
    """Return one wait in seconds.

    `constant_pacing` and `constant_throughput` subtract the time since the user's last task. Here that task
    always seems to have just begun, because a paced wait makes up for lateness itself.
    """
    user._cp_last_run, user._cp_last_wait_time = perf_counter(), 0.0
    return own(user)

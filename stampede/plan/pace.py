"""Pace: the waits of the users, scaled so that all of them together offer a given rate.

A paced wait counts from when the task was *due*, not from when its answer came: a slow API does
not lower the rate that is offered to it, and a user who is late goes on at once until it has
caught up. One task is taken for one request, and that carries in its context when it was due.
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
"""Draws from a class's wait_time to learn its mean: its formula is a closure and cannot be asked."""

_own_waits: dict[type[User], WaitTime] = {}
_own_contexts: dict[type[User], Context] = {}


def factor(user_classes: Iterable[type[User]], users: int, rate: float) -> float:
    """What to multiply waits by so that `users` users offer `rate` requests per second; 0 where no waits do.

    Users are taken to be of each class by weight. Classes without a wait of their own are left
    out: they send as fast as answers come, whatever the pace.
    """
    waits = {user_class: _mean_wait(user_class) for user_class in user_classes}
    weight = sum(user_class.weight for user_class in waits) or 1
    own_rate: float = sum(users * cls.weight / weight / wait for cls, wait in waits.items() if wait > 0)
    return own_rate / rate


def apply(user_classes: Iterable[type[User]], scale: float | None) -> None:
    """Give the classes waits scaled by `scale`; 0 is no waits, None their own ones again."""
    user_classes = list(user_classes)
    for user_class in user_classes:  # all of them first: a class may have its wait from another one here
        _own_waits.setdefault(user_class, user_class.wait_time)
        _own_contexts.setdefault(user_class, user_class.context)
    for user_class in user_classes:
        own, context = _own_waits[user_class], _own_contexts[user_class]
        if scale == 0:
            own = _no_wait
        elif scale is not None and _mean_wait(user_class):
            own, context = _paced(own, scale), _dated(context)
        user_class.wait_time, user_class.context = own, context


def _no_wait(_user: User) -> float:
    return 0.0


def _paced(own: WaitTime, scale: float) -> WaitTime:
    def wait_time(user: User) -> float:
        now = perf_counter()
        due: float = getattr(user, "_due", now) + _draw(own, user) * scale
        user._due = user._task_due = due
        return max(0.0, due - now)

    return wait_time


def _dated(own: Context) -> Context:
    def context(user: User) -> dict[str, Any]:
        due: float | None = user.__dict__.pop("_task_due", None)  # the first request of a task takes it
        return {**own(user), DUE: None if due is None else time() - perf_counter() + due}

    return context


def _mean_wait(user_class: type[User]) -> float:
    """Seconds; 0 where the class has no wait, or one that cannot be told without a user of its own."""
    own = _own_waits.get(user_class, user_class.wait_time)
    try:
        return max(0.0, fmean(_draw(own, SimpleNamespace()) for _ in range(SAMPLES)))
    except Exception:  # it is the users' own code
        return 0.0


def _draw(own: WaitTime, user: Any) -> float:
    """Seconds. `constant_pacing` and `constant_throughput` take off what has passed since the user's last
    task; to them it has only just begun, as what is late is made up for here."""
    user._cp_last_run, user._cp_last_wait_time = perf_counter(), 0.0
    return own(user)

"""LoadTestShape: the locustfile sets the number of users itself, second by second.

Locust's own `start_shape` waits until the users of a tick are running before it asks for the next tick. So a
shape whose users start slowly is not followed. stampede/run/driver.py asks each second and does not wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from locust import LoadTestShape, User

TICK_INTERVAL = 1.0
"""Seconds between two ticks."""

COMMON_OPTIONS = ("users", "spawn_rate", "run_time")
"""Settings that a shape overrides, unless it has `use_common_options`: then it reads them itself."""

OVERRIDDEN = ("rate",)
"""Settings that every shape overrides: a rate is of a known number of users."""


class ShapeError(Exception):
    """A tick that cannot be followed. The message has the shape, the tick and the reason."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What a shape wants at one moment."""

    users: int
    spawn_rate: float
    user_classes: tuple[type[User], ...] | None = None
    """None: the classes stay as they are."""


def next_tick(shape: LoadTestShape) -> Tick | None:
    """Return what the shape wants now, or None where it ends the run. Raises ShapeError."""
    name = f"{type(shape).__name__}.tick()"
    try:
        wanted = shape.tick()
    except Exception as error:  # code of the locustfile may raise anything
        raise ShapeError(f"{name} raised {type(error).__name__}: {error}") from error
    if wanted is None:
        return None
    try:
        users, spawn_rate, *rest = wanted
        (user_classes,) = rest or (None,)
        return Tick(_users(users), _spawn_rate(spawn_rate), _user_classes(user_classes))
    except (TypeError, ValueError) as error:
        expected = "(users, spawn_rate) or (users, spawn_rate, user_classes)"
        raise ShapeError(f"{name} must return {expected}, not {wanted!r}") from error


def _users(value: Any) -> int:
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(value)
    return int(value)


def _spawn_rate(value: Any) -> float:
    if not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(value)
    return float(value)


def _user_classes(value: Iterable[type[User]] | None) -> tuple[type[User], ...] | None:
    classes = tuple(value or ())
    if not classes:
        return None
    if not all(isinstance(each, type) and issubclass(each, User) for each in classes):
        raise ValueError(value)
    return classes


def ignored(shape: LoadTestShape, settings: Mapping[str, Any]) -> str | None:
    """Return one line that lists the settings that a shape overrides; None where it overrides none."""
    overridden = OVERRIDDEN if shape.use_common_options else (*COMMON_OPTIONS, *OVERRIDDEN)
    names = [f"{name.upper()}=" for name in overridden if settings.get(name) is not None]
    if not names:
        return None
    are = "is" if len(names) == 1 else "are"
    return f"The shape {type(shape).__name__} sets the load: {', '.join(names)} {are} ignored"

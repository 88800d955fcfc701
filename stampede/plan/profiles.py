"""Profiles: named loads, read from a TOML file and turned into plans.

A profile is either one load that lasts for a time::

    [heavy]
    users = 200          # users at the same time
    spawn_rate = 10      # users started per second
    run_time = "10m"     # from the first user to the stop, the ramp included
    pace = 750           # requests per second offered by all users together
    targets = ["rps >= 500", "GET avg < 200ms"]   # see docs/targets.md; also one text with commas

or a sequence of loads, ``stages = [{users = …, spawn_rate = …, duration = …}, …]``.

``pace`` is a rate, or ``"none"``: users do not wait and send as fast as responses arrive. Without ``pace``,
users keep their own waits. ``user_classes`` lists the classes that take part; without it, the default
classes take part (stampede/plan/cast.py).

``overload = true`` marks a load that is higher than the API can serve. A 503 with Retry-After is then an
outcome, and the verdict is about whether the API still serves as much as it can.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from locust.util.timespan import parse_timespan

from stampede.facts.target import Routes, Target
from stampede.targets import parser
from stampede.targets.parser import TargetError

UNPACED = 0.0
"""The pace of users who do not wait at all."""

LEAST, MOST = 1e-6, 1e9
"""The range of every number of a plan: its users, its rates, its seconds. Their ratios can be computed."""

SHORTEST_HOLD = 2.0
"""Least seconds of a stage with all its users: their first reports arrive after one second."""

TARGETS = "TARGETS"
"""The name of the setting, in messages about its text."""

LOAD_KEYS = {"users", "spawn_rate", "run_time"}
PROFILE_KEYS = {*LOAD_KEYS, "stages", "pace", "user_classes", "overload", "targets"}
STAGE_KEYS = {"users", "spawn_rate", "duration"}


class ProfileError(ValueError):
    """A profile that cannot be run; the message says which one, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A number of users for a duration in seconds, which includes the ramp to that number."""

    users: int
    spawn_rate: float
    duration: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The load of a run: its stages, one after the other, and how fast the users send.

    ``pace`` is in requests per second of all users at their highest number. It is ``UNPACED`` where users do
    not wait, and None where they keep their own waits. Without ``user_classes``, the default classes of the
    locustfile take part.
    """

    profile: str
    stages: tuple[Stage, ...]
    pace: float | None = None
    user_classes: tuple[str, ...] = ()
    overload: bool = False
    targets: tuple[Target, ...] = ()
    shape: str | None = None
    """The name of the locustfile's LoadTestShape, which sets the users instead of the stages."""
    common_options: Mapping[str, Any] | None = None
    """What a shape finds in `environment.parsed_options`; None where the stages say it."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Return Locust's options of the load: `num_users`, `spawn_rate` and `run_time` (s)."""
        if self.common_options is not None:
            return self.common_options
        return {
            "num_users": self.users,
            "spawn_rate": float(self.stages[0].spawn_rate),
            "run_time": int(self.duration) if self.duration == int(self.duration) else self.duration,
        }

    @property
    def users(self) -> int:
        """Return the highest number of users."""
        return max(stage.users for stage in self.stages)

    @property
    def duration(self) -> float:
        """Return the seconds from the first user to the stop."""
        return sum(stage.duration for stage in self.stages)

    @property
    def window_pace(self) -> float | None:
        """Return the rate that is offered in the window, in requests per second.

        None where the plan has no rate, or where some users stop before the end.
        """
        return self.pace or None if self.stages[-1].users == self.users else None

    def with_users(self, users: int) -> Plan:
        """Return the plan with `users` as its highest number.

        The users of the stages, the pace and the rates in targets are scaled alike.
        """
        stages = tuple(
            dataclasses.replace(stage, users=max(1, round(stage.users * users / self.users)))
            for stage in self.stages
        )
        factor = users / self.users
        pace = self.pace and self.pace * factor
        targets = tuple(target.scaled(factor) for target in self.targets)
        return dataclasses.replace(self, stages=stages, pace=pace, targets=targets)

    def with_rate(self, rate: float) -> Plan:
        """Return the plan with a pace of `rate` requests per second at its highest number of users.

        The rates in targets are scaled alike, where the plan had a pace.
        """
        factor = rate / self.pace if self.pace else 1.0
        targets = tuple(target.scaled(factor) for target in self.targets)
        return dataclasses.replace(self, pace=rate, targets=targets)

    def with_user_classes(self, user_classes: tuple[str, ...]) -> Plan:
        """Return the plan for other user classes, without its targets for particular routes.

        The other classes may not use those routes.
        """
        all_routes = (Routes(), Routes(group="every"))
        targets = tuple(target for target in self.targets if target.figure.routes in all_routes)
        return dataclasses.replace(self, user_classes=user_classes, targets=targets)

    def with_spawn_rate(self, spawn_rate: float) -> Plan:
        """Return the plan with every ramp at `spawn_rate` users per second."""
        stages = tuple(dataclasses.replace(stage, spawn_rate=spawn_rate) for stage in self.stages)
        return dataclasses.replace(self, stages=stages)

    def with_duration(self, seconds: float) -> Plan:
        """Return the plan with a duration of `seconds`; stages keep their proportions."""
        stages = tuple(
            dataclasses.replace(stage, duration=stage.duration * seconds / self.duration)
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=stages)


def override(plan: Plan, settings: Mapping[str, Any]) -> Plan:
    """Return the plan with ``users``, ``spawn_rate``, ``rate``, ``run_time`` and ``targets`` replaced.

    A setting that is missing or None changes nothing. ``targets`` is a text. With ``own_pace`` the users keep
    their own waits, and the plan's targets are dropped. With ``own_users`` (the user classes are not those
    that the profile was made for) its targets for particular routes are dropped.

    Raises ProfileError where a setting has a wrong value, or the plan gets too short.
    """
    given = {key: value for key, value in settings.items() if value is not None}
    if "users" in given:
        plan = plan.with_users(_whole_number(plan.profile, given, "users"))
    if "spawn_rate" in given:
        plan = plan.with_spawn_rate(_positive_number(plan.profile, given, "spawn_rate"))
    if given.get("own_pace"):
        plan = dataclasses.replace(plan, pace=None, targets=())
    if given.get("own_users"):
        plan = plan.with_user_classes(plan.user_classes)
    if "rate" in given:
        plan = plan.with_rate(_positive_number(plan.profile, given, "rate"))
    if "run_time" in given:
        plan = plan.with_duration(_seconds(plan.profile, given, "run_time"))
    if "targets" in given:
        plan = dataclasses.replace(plan, targets=parse_targets(TARGETS, given["targets"]) or plan.targets)
    refuse_too_short(plan)
    return plan


def shaped(plan: Plan, shape: str, settings: Mapping[str, Any]) -> Plan:
    """Return a plan whose load is set by the shape of that name; only its targets are the given plan's.

    `users`, `spawn_rate` and `run_time` in the settings become Locust's options, which a shape may read.
    Raises ProfileError where the plan has several stages: only one of both can set the users.
    """
    if len(plan.stages) > 1:
        raise ProfileError(
            f"profile '{plan.profile}' has stages, and the locustfile has the shape {shape}: name another "
            "PROFILE, or remove the shape"
        )
    given = {key: value for key, value in settings.items() if value is not None}
    options = {
        "num_users": _whole_number(shape, given, "users") if "users" in given else 1,
        "spawn_rate": float(_positive_number(shape, given, "spawn_rate")) if "spawn_rate" in given else 1.0,
        "run_time": int(_seconds(shape, given, "run_time")) if "run_time" in given else None,
    }
    targets = () if given.get("own_pace") else plan.targets
    if "targets" in given:
        targets = parse_targets(TARGETS, given["targets"]) or targets
    name = shape if given.get("own_pace") else plan.profile
    return Plan(name, plan.stages, targets=targets, shape=shape, common_options=options)


def refuse_too_short(plan: Plan) -> None:
    """Raise ProfileError where a stage ends before all its users have run for SHORTEST_HOLD seconds."""
    users = 0
    for stage in plan.stages:
        needed = abs(stage.users - users) / stage.spawn_rate + SHORTEST_HOLD
        if stage.duration < needed:
            raise ProfileError(
                f"'{plan.profile}' is too short: from {users} to {stage.users} users at "
                f"{stage.spawn_rate:g} per second takes {needed - SHORTEST_HOLD:.0f} s, and it has "
                f"{stage.duration:.0f} s; give it more RUN_TIME, or a higher SPAWN_RATE"
            )
        users = stage.users


def read(path: Path) -> dict[str, Plan]:
    """Return all profiles of a file, by name.

    Raises ProfileError where the file cannot be read or has a mistake. Its message has the file, the profile
    and the key.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _plan(name, table) for name, table in tables.items()}
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise ProfileError(f"{path}: it is nested too deeply") from error
    except ValueError as error:  # not TOML, not UTF-8, or a ProfileError
        raise ProfileError(f"{path}: {error}") from error


def choose(plans: Mapping[str, Plan], name: str) -> Plan:
    """Return the plan with that name. Raises ProfileError, which lists all names, where there is none."""
    if name not in plans:
        raise ProfileError(f"there is no profile '{name}': choose one of {', '.join(plans)}")
    return plans[name]


def _plan(name: str, table: Any) -> Plan:
    if not isinstance(table, dict):
        raise ProfileError(f"'{name}' is outside a [profile]: write it below a line such as [smoke]")
    _refuse_unknown_keys(name, table, PROFILE_KEYS)
    if "stages" in table:
        if not isinstance(table["stages"], list) or not all(isinstance(s, dict) for s in table["stages"]):
            raise ProfileError(f"[{name}] stages must be a list such as [{{users = …, …}}]")
        if extra := LOAD_KEYS & set(table):
            raise ProfileError(f"[{name}] has stages: remove {min(extra)}, each stage has its own")
        stages = tuple(_stage(name, stage, "duration") for stage in table["stages"])
    else:
        stages = (_stage(name, table, "run_time"),)
    if not stages:
        raise ProfileError(f"[{name}] has no stages")
    overload = _boolean(name, table, "overload")
    if overload and len(stages) < 2:
        raise ProfileError(f"[{name}] overload compares stages with each other: it must have two or more")
    return Plan(
        name,
        stages,
        _pace(name, table.get("pace")),
        _names(name, table, "user_classes"),
        overload,
        _targets(name, table.get("targets", [])),
    )


def _stage(name: str, table: dict[str, Any], duration_key: str) -> Stage:
    if duration_key == "duration":
        _refuse_unknown_keys(name, table, STAGE_KEYS)
    return Stage(
        _whole_number(name, table, "users"),
        _positive_number(name, table, "spawn_rate"),
        _seconds(name, table, duration_key),
    )


def _whole_number(name: str, table: Mapping[str, Any], key: str) -> int:
    value = _positive_number(name, table, key)
    if value != int(value):
        raise ProfileError(f"[{name}] {key} must be a whole number, not {value}")
    return int(value)


def _positive_number(name: str, table: Mapping[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ProfileError(f"[{name}] {key} must be a number over 0, not {value!r}")
    if not LEAST <= value <= MOST:
        raise ProfileError(f"[{name}] {key} must be from 0.000001 to 1000000000, not {value!r}")
    return value


def _seconds(name: str, table: Mapping[str, Any], key: str) -> float:
    try:
        seconds = float(parse_timespan(table.get(key)))
    except (ValueError, TypeError, OverflowError):
        seconds = 0
    if not 0 < seconds <= MOST:
        raise ProfileError(f"[{name}] {key} must be a time such as '90s' or '1h30m', not {table.get(key)!r}")
    return seconds


def _boolean(name: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ProfileError(f"[{name}] {key} must be true or false, not {value!r}")
    return value


def _names(name: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProfileError(f"[{name}] {key} must be a list of names such as ['Buyer'], not {value!r}")
    return tuple(value)


def _pace(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if value == "none":
        return UNPACED
    return _positive_number(name, {"pace": value}, "pace")


def _targets(name: str, value: Any) -> tuple[Target, ...]:
    if not isinstance(value, list):
        return parse_targets(f"[{name}] targets", value)
    parsed = [
        parse_targets(f"[{name}] targets, number {number}", text) for number, text in enumerate(value, 1)
    ]
    return tuple(chain.from_iterable(parsed))


def parse_targets(where: str, text: Any) -> tuple[Target, ...]:
    """Return the targets in a text; none where it is blank.

    Raises ProfileError, whose message begins with `where` the text is from.
    """
    if not isinstance(text, str):
        raise ProfileError(f"{where} must be a text such as 'p95 < 300ms, errors < 1%', not {text!r}")
    try:
        return parser.parse(text)
    except TargetError as error:
        raise ProfileError(f"{where}, {error}") from error


def _refuse_unknown_keys(name: str, table: dict[str, Any], known: set[str]) -> None:
    if unknown := set(table) - known:
        raise ProfileError(f"[{name}] has no '{min(unknown)}': choose among {', '.join(sorted(known))}")

"""Profiles: named loads, read from a TOML file and made into plans.

A profile is either one load, kept up for a while::

    [heavy]
    users = 200          # how many at once
    spawn_rate = 10      # users started per second
    run_time = "10m"     # from the first user to the stop, the ramp included
    pace = 750           # requests per second offered by all users together
    targets = ["rps >= 500", "GET avg < 200ms"]   # see docs/targets.md; a text with commas does as well

or a sequence of them, ``stages = [{users = …, spawn_rate = …, duration = …}, …]``.

``pace`` is a rate, or ``"none"``: no waits, users send as fast as answers come. Without it
users keep their own waits. ``user_classes`` names who takes part, where not all do. With
``overload = true`` more is asked for than can be served: a 503 with Retry-After is then an outcome, and what
is judged is whether the API goes on serving what it can.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locust.util.timespan import parse_timespan

from stampede.facts.target import Routes, Target
from stampede.targets import parser
from stampede.targets.parser import TargetError

UNPACED = 0.0
"""The pace of users who do not wait at all."""

SHORTEST_LOOK = 2.0
"""Seconds to look at a stage when its users are there: their first reports are in after one."""

LOAD_KEYS = {"users", "spawn_rate", "run_time"}
PROFILE_KEYS = {*LOAD_KEYS, "stages", "pace", "user_classes", "overload", "targets"}
STAGE_KEYS = {"users", "spawn_rate", "duration"}


class ProfileError(ValueError):
    """A profile that cannot be run; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A number of users, kept up for a duration in seconds (the ramp to it included)."""

    users: int
    spawn_rate: float
    duration: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do: its stages one after the other, and how fast the users send.

    ``pace`` is in requests per second of all users at their highest number, ``UNPACED``, or
    None where users keep their own waits. Without ``user_classes`` all of the locustfile take part.
    """

    profile: str
    stages: tuple[Stage, ...]
    pace: float | None = None
    user_classes: tuple[str, ...] = ()
    overload: bool = False
    targets: tuple[Target, ...] = ()

    @property
    def users(self) -> int:
        """The highest number of users."""
        return max(stage.users for stage in self.stages)

    @property
    def duration(self) -> float:
        """Seconds from the first user to the stop."""
        return sum(stage.duration for stage in self.stages)

    @property
    def window_pace(self) -> float | None:
        """Requests per second from when all users are there until the end; None where no rate is wanted, or
        some users leave before."""
        return self.pace or None if self.stages[-1].users == self.users else None

    def with_users(self, users: int) -> Plan:
        """The same plan with `users` at its highest; stages, pace and wanted rates keep their proportions."""
        scaled = tuple(
            dataclasses.replace(stage, users=max(1, round(stage.users * users / self.users)))
            for stage in self.stages
        )
        factor = users / self.users
        pace = self.pace and self.pace * factor
        wanted = tuple(target.scaled(factor) for target in self.targets)
        return dataclasses.replace(self, stages=scaled, pace=pace, targets=wanted)

    def with_user_classes(self, user_classes: tuple[str, ...]) -> Plan:
        """The same plan for others: what it wants of particular routes is not wanted of theirs."""
        whichever = (Routes(), Routes(group="every"))
        kept = tuple(target for target in self.targets if target.figure.routes in whichever)
        return dataclasses.replace(self, user_classes=user_classes, targets=kept)

    def with_spawn_rate(self, spawn_rate: float) -> Plan:
        """The same plan with every ramp at `spawn_rate` users per second."""
        stages = tuple(dataclasses.replace(stage, spawn_rate=spawn_rate) for stage in self.stages)
        return dataclasses.replace(self, stages=stages)

    def with_duration(self, seconds: float) -> Plan:
        """The same plan, made to last `seconds`; stages keep their proportions."""
        scaled = tuple(
            dataclasses.replace(stage, duration=stage.duration * seconds / self.duration)
            for stage in self.stages
        )
        return dataclasses.replace(self, stages=scaled)


def override(plan: Plan, wanted: Mapping[str, Any]) -> Plan:
    """The plan with what is wanted otherwise of ``users``, ``spawn_rate``, ``run_time`` and ``targets``, a
    text; None is not.

    With ``own_pace`` the users keep their own waits, and nothing is wanted of them but what is told here; of
    ``own_users``, whom the profile does not know, what it wants of all routes.
    Raises ProfileError where that is nothing to run.
    """
    given = {key: value for key, value in wanted.items() if value is not None}
    if "users" in given:
        plan = plan.with_users(_whole(plan.profile, given, "users"))
    if "spawn_rate" in given:
        plan = plan.with_spawn_rate(_positive(plan.profile, given, "spawn_rate"))
    if given.get("own_pace"):
        plan = dataclasses.replace(plan, pace=None, targets=())
    if given.get("own_users"):
        plan = plan.with_user_classes(plan.user_classes)
    if "run_time" in given:
        plan = plan.with_duration(_seconds(plan.profile, given, "run_time"))
    if "targets" in given:
        plan = dataclasses.replace(plan, targets=_parsed("TARGETS", given["targets"]) or plan.targets)
    refuse_too_short(plan)
    return plan


def refuse_too_short(plan: Plan) -> None:
    """Raise ProfileError if a stage ends before its users are there and could show anything."""
    users = 0
    for stage in plan.stages:
        needed = abs(stage.users - users) / stage.spawn_rate + SHORTEST_LOOK
        if stage.duration < needed:
            raise ProfileError(
                f"'{plan.profile}' is too short: from {users} to {stage.users} users at "
                f"{stage.spawn_rate:g} per second takes {needed - SHORTEST_LOOK:.0f} s, and it has "
                f"{stage.duration:.0f} s; give it more RUN_TIME, or a higher SPAWN_RATE"
            )
        users = stage.users


def read(path: Path) -> dict[str, Plan]:
    """All profiles of a file, by name. Raises ProfileError with the file, the profile and the key."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _plan(name, table) for name, table in tables.items()}
    except OSError as error:
        raise ProfileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, no UTF-8, or a ProfileError
        raise ProfileError(f"{path}: {error}") from error


def choose(plans: Mapping[str, Plan], name: str) -> Plan:
    """The plan of that name. Raises ProfileError that lists the names there are."""
    if name not in plans:
        raise ProfileError(f"there is no profile '{name}': choose one of {', '.join(plans)}")
    return plans[name]


def _plan(name: str, table: Any) -> Plan:
    if not isinstance(table, dict):
        raise ProfileError(f"'{name}' stands outside a [profile]")
    _refuse_unknown_keys(name, table, PROFILE_KEYS)
    if "stages" in table:
        if not isinstance(table["stages"], list) or not all(isinstance(s, dict) for s in table["stages"]):
            raise ProfileError(f"[{name}] stages must be a list such as [{{users = …, …}}]")
        if beside := LOAD_KEYS & set(table):
            raise ProfileError(f"[{name}] has stages: {min(beside)} beside them says nothing")
        stages = tuple(_stage(name, stage, "duration") for stage in table["stages"])
    else:
        stages = (_stage(name, table, "run_time"),)
    if not stages:
        raise ProfileError(f"[{name}] has no stages")
    overload = _truth(name, table, "overload")
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
        _whole(name, table, "users"),
        _positive(name, table, "spawn_rate"),
        _seconds(name, table, duration_key),
    )


def _whole(name: str, table: Mapping[str, Any], key: str) -> int:
    value = _positive(name, table, key)
    if value != int(value):
        raise ProfileError(f"[{name}] {key} must be a whole number, not {value}")
    return int(value)


def _positive(name: str, table: Mapping[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ProfileError(f"[{name}] {key} must be a number over 0, not {value!r}")
    return value


def _seconds(name: str, table: Mapping[str, Any], key: str) -> float:
    try:
        seconds = float(parse_timespan(table.get(key)))
    except (ValueError, TypeError, OverflowError):
        seconds = 0
    if seconds <= 0:
        raise ProfileError(f"[{name}] {key} must be a time such as '90s' or '1h30m', not {table.get(key)!r}")
    return seconds


def _truth(name: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ProfileError(f"[{name}] {key} must be true or false, not {value!r}")
    return value


def _names(name: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ProfileError(f"[{name}] {key} must be a list of names such as ['Buyer'], not {value!r}")
    return tuple(value)


def _pace(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if value == "none":
        return UNPACED
    return _positive(name, {"pace": value}, "pace")


def _targets(name: str, value: Any) -> tuple[Target, ...]:
    if not isinstance(value, list):
        return _parsed(f"[{name}] targets", value)
    each = [_parsed(f"[{name}] targets, number {number}", text) for number, text in enumerate(value, 1)]
    return tuple(target for found in each for target in found)


def _parsed(where: str, text: Any) -> tuple[Target, ...]:
    if not isinstance(text, str):
        raise ProfileError(f"{where} must be a text such as 'p95 < 300ms, errors < 1%', not {text!r}")
    try:
        return parser.parse(text)
    except TargetError as error:
        raise ProfileError(f"{where}, {error}") from error


def _refuse_unknown_keys(name: str, table: dict[str, Any], known: set[str]) -> None:
    if unknown := set(table) - known:
        raise ProfileError(f"[{name}] has no '{min(unknown)}': it may say {', '.join(sorted(known))}")

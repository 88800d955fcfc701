"""A plan of faults: tests/chaos/*.toml, read, or refused before anything starts. Pure but for the reading."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent

RECOVERY = {"api": 5.0, "postgres": 5.0, "worker": 10.0, "master": 10.0}
"""Seconds that what was hit may take to be itself again, after the fault is over."""

SHORTEST_LOOK = 2.0
"""Seconds from the last user started to the first fault."""

LONGEST_EXHAUST = 60.0
"""Seconds for which connections are held at most."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault of this kind may be."""

    targets: tuple[str, ...]
    needed: frozenset[str] = frozenset()
    """Keys beside at, what and target that it must have."""


KINDS = {
    "kill": Kind(("api", "postgres", "worker", "master"), frozenset({"duration"})),
    "pause": Kind(("api", "postgres"), frozenset({"duration"})),
    "exhaust": Kind(("postgres",), frozenset({"duration"})),
    "scale": Kind(("worker",), frozenset({"workers"})),
    "cut": Kind(("worker",), frozenset({"duration"})),
    "restart": Kind(("master",)),
}
ALWAYS = frozenset({"at", "what", "target"})
LOAD_KEYS = frozenset({"users", "spawn_rate", "run_time", "workers", "pace"})
PLAN_KEYS = frozenset({"load", "fault", "negative_control"})


class PlanError(Exception):
    """A plan that cannot be carried out; the message says where, why and what to do."""


@dataclass(frozen=True, slots=True)
class Load:
    """What runs while faults happen. `run_time` in seconds, `pace` in requests per second of all users."""

    users: int
    spawn_rate: float
    run_time: float
    workers: int
    pace: float | None

    @property
    def ramp(self) -> float:
        """Seconds until all users are there."""
        return self.users / self.spawn_rate

    @property
    def profile(self) -> str:
        """It as a profile, [chaos], for load_tests/profiles.toml."""
        pace = "" if self.pace is None else f"pace = {self.pace}\n"
        load = f'users = {self.users}\nspawn_rate = {self.spawn_rate}\nrun_time = "{self.run_time:.0f}s"\n'
        return f"\n[chaos]\n{load}{pace}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong `at` seconds after the start of the load, for `duration` seconds.

    A restart of the master ends the run that it happens in: it gets a load of its own.
    """

    number: int
    at: float
    what: str
    target: str
    duration: float = 0.0
    workers: int | None = None
    """How many there are to be, of a scale."""

    @property
    def ends_the_run(self) -> bool:
        """Whether nothing can be seen of it in the run that it happens in."""
        return self.target == "master"

    @property
    def over(self) -> float:
        """Seconds after the load's start at which all is to be as it should."""
        return self.at + self.duration + RECOVERY[self.target]

    @property
    def words(self) -> str:
        """As a person says it."""
        if self.what == "scale":
            return f"scale to {self.workers} workers"
        whose = "connections" if self.what == "exhaust" else self.target
        return f"{self.what} {whose}" + (f" for {self.duration:g} s" if self.duration else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """A load, and what goes wrong in it."""

    name: str
    load: Load
    faults: tuple[Fault, ...]
    negative_control: bool = True
    """Whether it is also shown that a lost order would be found."""

    @property
    def faults_of_the_load(self) -> tuple[Fault, ...]:
        """Those that happen in the load itself, in the order of time."""
        return tuple(sorted((f for f in self.faults if not f.ends_the_run), key=lambda fault: fault.at))


def find(name: str) -> Path:
    """The file of a plan: one of ours by its name, or any by its path. Raises PlanError."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        ours = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise PlanError(f"there is no plan '{name}': use {ours}, or the path of a .toml file")
    return path


def read(path: Path) -> Plan:
    """Raises PlanError with the file, the fault's number, the key, and what to do."""
    try:
        return parse(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, PlanError) as error:
        raise PlanError(f"{path.name}: {error}") from error


def parse(name: str, table: Mapping[str, Any]) -> Plan:
    """The plan that a TOML file says. Raises PlanError."""
    _refuse_unknown("the plan", table, PLAN_KEYS)
    load = _load(table.get("load"))
    faults = table.get("fault", [])
    if not isinstance(faults, list) or not faults:
        raise PlanError("there is no fault: add a [[fault]] with at, what and target")
    control = table.get("negative_control", True)
    if not isinstance(control, bool):
        raise PlanError(f"negative_control: must be true or false, not {control!r}")
    plan = Plan(name, load, tuple(_fault(number, each) for number, each in enumerate(faults, 1)), control)
    for fault in plan.faults:
        _refuse_bad_times(fault, load)
    _refuse_overlaps(plan.faults_of_the_load)
    return plan


def _load(table: Any) -> Load:
    if not isinstance(table, dict):
        raise PlanError("there is no [load]: add it with users, spawn_rate, run_time and workers")
    _refuse_unknown("[load]", table, LOAD_KEYS)
    pace = table.get("pace")
    return Load(
        _whole("[load]", table, "users"),
        _number("[load]", table, "spawn_rate"),
        _number("[load]", table, "run_time"),
        _whole("[load]", table, "workers"),
        None if pace is None else _number("[load]", table, "pace"),
    )


def _fault(number: int, table: Any) -> Fault:
    where = f"fault {number}"
    if not isinstance(table, dict):
        raise PlanError(f"{where}: write it as a [[fault]] table")
    what, target = table.get("what"), table.get("target")
    if not isinstance(what, str) or what not in KINDS:
        raise PlanError(f"{where}: what: must be one of {', '.join(KINDS)}, not {what!r}")
    kind = KINDS[what]
    if target not in kind.targets:
        raise PlanError(
            f"{where}: target: must be one of {', '.join(kind.targets)} for {what}, not {target!r}"
        )
    _refuse_unknown(where, table, ALWAYS | kind.needed)
    return Fault(
        number,
        _number(where, table, "at"),
        what,
        target,
        _number(where, table, "duration") if "duration" in kind.needed else 0.0,
        _whole(where, table, "workers") if "workers" in kind.needed else None,
    )


def _refuse_bad_times(fault: Fault, load: Load) -> None:
    if fault.what == "exhaust" and fault.duration > LONGEST_EXHAUST:
        raise PlanError(
            f"fault {fault.number}: duration: connections are held for {LONGEST_EXHAUST:g} s at most: "
            f"use {LONGEST_EXHAUST:g} or less"
        )
    earliest = load.ramp + SHORTEST_LOOK
    if fault.at < earliest:
        raise PlanError(
            f"fault {fault.number}: at: users are still starting at second {fault.at:g}: "
            f"use {earliest:g} or later, or a higher spawn_rate"
        )
    if not fault.ends_the_run and fault.over > load.run_time:
        latest = load.run_time - (fault.over - fault.at)
        raise PlanError(
            f"fault {fault.number}: at: its recovery ends at second {fault.over:g}, but the load lasts "
            f"{load.run_time:g} s: use {latest:g} or earlier, or a longer run_time"
        )


def _refuse_overlaps(faults: Sequence[Fault]) -> None:
    """What is down cannot be hit again, and nobody could tell the two apart."""
    for target in RECOVERY:
        for earlier, later in pairwise(fault for fault in faults if fault.target == target):
            if later.at < earlier.over:
                raise PlanError(
                    f"fault {later.number}: at: {target} has not recovered from fault {earlier.number} "
                    f"({earlier.words}): use {earlier.over:g} or later"
                )


def _refuse_unknown(where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := set(table) - set(known):
        raise PlanError(f"{where}: {min(unknown)}: unknown key: use {', '.join(sorted(known))}")


def _number(where: str, table: Mapping[str, Any], key: str) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise PlanError(f"{where}: {key}: must be a number over 0, not {value!r}")
    return float(value)


def _whole(where: str, table: Mapping[str, Any], key: str) -> int:
    value = _number(where, table, key)
    if value != int(value):
        raise PlanError(f"{where}: {key}: must be a whole number, not {value}")
    return int(value)

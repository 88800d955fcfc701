"""``run.json``: the facts of a run. All that is shown of a run, and its verdict, is made from them.

Times on the run's own axis are seconds since the epoch; durations and rates have their unit in their name.
None is: not known. ``python -m stampede schema`` prints the JSON Schema.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from stampede.facts.event import Event
from stampede.facts.figures import Pace, Second, StageFigures, Window
from stampede.facts.samples import ClockOffset, HubLag, Machine, Samples, Statement
from stampede.facts.target import MeasuredTarget
from stampede.facts.verdict import Check

SCHEMA: Final = 3
"""Changes with every change that an older reader would misread."""


class FactsError(ValueError):
    """A ``run.json`` that cannot be read; the message says which one, and why."""


class Phase(StrEnum):
    """How far a run has come."""

    RAMP = "ramp"
    """Users are starting."""
    WINDOW = "window"
    """All users are there; figures are of this part."""
    STOPPING = "stopping"
    """Users finish what they have begun, workers report the rest."""
    AUDITING = "auditing"
    """The audit checks the data."""
    WRITING = "writing"
    """Results are written."""
    DONE = "done"


class ErrorSample(Struct, kw_only=True, frozen=True):
    """One answer that was an error."""

    status: int | None = None
    body: str | None = None
    """Its beginning: 500 characters at most."""
    request_id: str | None = None
    """Under which the API's log has it."""


class ErrorFacts(Struct, kw_only=True, frozen=True):
    """One error of one route, as Locust counts it."""

    method: str
    name: str
    error: str
    occurrences: int
    first_at: float | None
    """Seconds since the epoch."""
    last_at: float | None
    sample: ErrorSample | None


class ExceptionFacts(Struct, kw_only=True, frozen=True):
    """One exception in the users' own code."""

    count: int
    message: str
    traceback: str


class Audit(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the audit found, or why it has no answer."""

    checks: list[Check] = field(default_factory=list)
    error: str | None = None


class ApiCounts(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What the API itself has counted in the run, or why that cannot be used."""

    api: dict[str, dict[str, int]] = field(default_factory=dict)
    """``{"POST /orders/": {"201": 21000}}``"""
    addresses: list[str] = field(default_factory=list)
    """The addresses that were asked."""
    looks: int = 0
    """How often they were asked."""
    error: str | None = None
    """Why what they report can never be the whole."""
    missed: str | None = None
    """Why it is not the whole in this run."""


class Race(Struct, kw_only=True, frozen=True):
    """One round of a race."""

    user_class: str
    round: int
    at: float
    """When all racers fired, in seconds since the epoch."""
    racers: int
    shots: int
    winners: int
    losers: int
    spread_ms: float
    """Between the first shot and the last."""
    overlap: float | None
    """The share, 0 to 1, of losers whose request overlapped a winner's; None where no one lost."""
    prize: Any = None
    """What was raced for."""


class Facts(Struct, kw_only=True, frozen=True):
    """All of ``run.json``."""

    schema: Literal[3] = SCHEMA
    id: str
    phase: Phase
    interrupted: bool
    """The master died in the run."""
    as_planned: bool
    """The plan was carried out to its end."""
    profile: str | None
    """None where the run was started by the numbers of the UI's form."""
    user_classes: list[str]
    host: str | None
    locustfile: str | None
    users: int
    """The highest number that was wanted."""
    workers: int
    lost_workers: list[str]
    """Workers that never reported the end: Locust's names."""
    started_at: datetime
    written_at: datetime
    requests: int
    """Of the whole run, as `failures` and `outcomes`."""
    failures: int
    outcomes: dict[str, dict[str, int]]
    """``{"POST /orders/": {"201": 600}}``; status ``"0"`` is a request without a complete answer."""
    overload: bool
    """More was asked for than can be served, on purpose."""
    errors: list[ErrorFacts]
    exceptions: list[ExceptionFacts]
    window: Window | None
    """None where not all users were there before the end."""
    pace: Pace | None
    promises: dict[str, str]
    """Checks that must find something to look at, and the user class that promises it."""
    audit: Audit | None
    """None where no audit is registered for the target."""
    counters: ApiCounts | None
    """None where the API has no counters."""
    targets: list[MeasuredTarget]
    aborted: str | None
    """The target that ended the run, and what was measured then."""
    stages: list[StageFigures]
    seconds: list[Second]
    races: list[Race]
    clock_set_s: float
    """By how many seconds the master's clock was set forward in the run; negative where it was set back."""
    machine: Machine
    samples: Samples
    statements: list[Statement]
    clocks: dict[str, ClockOffset]
    """By the workers' labels, as `hub_lag`."""
    hub_lag: dict[str, HubLag]
    events: list[Event]
    """In the order in which they happened."""


class _Version(Struct):
    schema: Any = None


def read(folder: Path) -> Facts:
    """Return the facts of the run in a folder. Raises FactsError."""
    file = folder / "run.json"
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FactsError(f"{folder} is no folder of a run: run.json: {error.strerror}") from error
    try:
        version = msgspec.json.decode(content, type=_Version).schema
        if version == SCHEMA:
            return msgspec.json.decode(content, type=Facts)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FactsError(f"{file} cannot be read: {error}") from error
    has = "names no schema" if version is None else f"has schema {version}"
    raise FactsError(f"{file} {has}, and this version of Stampede reads schema {SCHEMA}")


def write(folder: Path, name: str, content: Struct) -> None:
    """Write a file of a run as JSON: all of it or nothing, as the writer may be killed. Raises OSError."""
    begun = folder / f"{name}.part"
    begun.write_bytes(msgspec.json.format(encoded(content), indent=2) + b"\n")
    begun.replace(folder / name)


def encoded(content: Struct) -> bytes:
    """Return it as JSON. Half of a surrogate, as in a path that is not UTF-8, becomes a question mark."""
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(content), ensure_ascii=False).encode("utf-8", "replace")

"""``run.json``: the facts of a run. Its verdict and all its reports are made from them.

Times on the run's time axis are seconds since the epoch; durations and rates have their unit in their name.
None means not known. ``python -m stampede schema`` prints the JSON Schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct, field

from stampede.facts.event import Event
from stampede.facts.figures import Pace, RoutesOverTime, Second, StageFigures, Window
from stampede.facts.samples import ClockOffset, HubLag, Machine, Samples, Statement
from stampede.facts.target import MeasuredTarget
from stampede.facts.verdict_json import Check

SCHEMA: Final = 5
"""The version of the format: it changes with every change that an older reader would misread."""


_PLACE = re.compile(r'File "(?P<file>.*)", line (?P<line>\d+), in (?P<function>.*)')
"""A line of a traceback."""


NOT_OWN = re.compile("/site-packages/|/stampede/cluster/")
"""Files that are not the users' own code: installed packages, and the engine's part in running users."""

LONGEST_RUN = 31 * 24 * 3600
"""Seconds from the first to the last time in a ``run.json``: more cannot be shown."""


class FactsError(ValueError):
    """A ``run.json`` that cannot be read; the message has its path and the reason."""


class ImpossibleTimeError(ValueError):
    """Times that are not those of one run."""


class Phase(StrEnum):
    """The phase that a run is in."""

    RAMP = "ramp"
    """Users are starting."""
    WINDOW = "window"
    """All users are running; the figures of the run are taken in this phase."""
    STOPPING = "stopping"
    """Users finish their requests in progress, workers report their last figures."""
    AUDITING = "auditing"
    """The audit checks the data."""
    WRITING = "writing"
    """Results are written."""
    DONE = "done"


class ErrorSample(Struct, kw_only=True, frozen=True):
    """An example of an error: one answer of the API."""

    status: int | None = None
    body: str | None = None
    """At most the first 500 characters."""
    request_id: str | None = None
    """The id of the request in the API's log."""


class ErrorFacts(Struct, kw_only=True, frozen=True):
    """One error of one route: failed requests with the same text."""

    method: str
    name: str
    error: str
    occurrences: int
    first_at: float | None
    """Seconds since the epoch."""
    last_at: float | None
    sample: ErrorSample | None


class ExceptionFacts(Struct, kw_only=True, frozen=True):
    """One kind of exception that the users' own code raised."""

    error: str
    """The name of its class."""
    count: int
    message: str
    traceback: str

    @property
    def place(self) -> str:
        """Return where it was raised: `users.py:14 in on_start`; empty where that is not known.

        This is the last place of the traceback that is not in an installed package.
        """
        places = list(_PLACE.finditer(self.traceback))
        own = [place for place in places if not NOT_OWN.search(place["file"])] or places
        return (
            f"{own[-1]['file'].rpartition('/')[2]}:{own[-1]['line']} in {own[-1]['function']}" if own else ""
        )


class EndedUsers(Struct, kw_only=True, frozen=True):
    """Users that ended by themselves in one second, for one cause."""

    second: int
    """Seconds since the epoch."""
    cause: str
    """``StopUser``, or an exception with its place: ``KeyError at users.py:14``."""
    users: int


class Audit(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The checks of the audit, or the reason why there are none."""

    checks: list[Check] = field(default_factory=list)
    error: str | None = None


class ApiCounts(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The requests that the API itself counted in the run, or why its counts cannot be used."""

    api: dict[str, dict[str, int]] = field(default_factory=dict)
    """``{"POST /orders/": {"201": 21000}}``"""
    addresses: list[str] = field(default_factory=list)
    """The addresses that were polled."""
    looks: int = 0
    """How many times they were polled."""
    error: str | None = None
    """Why the counts of these addresses can never be complete."""
    missed: str | None = None
    """Why the counts are not complete in this run."""
    ignored: list[str] = field(default_factory=list)
    """Samples of the API's metrics that were ignored, each with the reason; five at most."""


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
    """Time from the first shot to the last."""
    overlap: float | None
    """The share, 0 to 1, of losers whose request overlapped a winner's; None where no racer lost."""
    prize: Any = None
    """What the racers competed for."""


class ReportedRequests(Struct, kw_only=True, frozen=True):
    """The requests that one worker has reported."""

    counted: int
    """The sum of its reports that the master has counted."""
    stated: int
    """The worker's own total, in its newest report."""


class Facts(Struct, kw_only=True, frozen=True):
    """The content of ``run.json``."""

    schema: Literal[5] = SCHEMA
    id: str
    phase: Phase
    interrupted: bool
    """Whether the master died during the run."""
    as_planned: bool
    """Whether the plan was carried out to its end."""
    profile: str | None
    """The name of the profile, or of the custom locustfile where no profile was named; None where the run was
    started with the numbers of the UI's form."""
    shape: str | None
    """The name of the locustfile's LoadTestShape, which set the load; None where it has none."""
    user_classes: list[str]
    host: str | None
    api_version: str | None = None
    """The version that the API states in its OpenAPI document; None where it states none."""
    locustfile: str | None
    locustfile_commit: str | None = None
    """The git commit of the locustfile, with ``+ changes`` where the file differs from it. None for a run
    from the UI, and where the master has loaded the file with other content."""
    users: int
    """The highest number of users that the plan asked for."""
    workers: int
    lost_workers: list[str]
    """Workers that never reported their end, by Locust's names."""
    started_at: datetime
    written_at: datetime
    requests: int
    """Of the whole run, like `failures` and `outcomes`."""
    failures: int
    outcomes: dict[str, dict[str, int]]
    """``{"POST /orders/": {"201": 600}}``; status ``"0"`` is a request without a complete answer."""
    unreported: dict[str, int]
    """Requests that the locustfile was to report itself (catch_response) and did not: ``{"GET /list": 7}``.
    They are in no other figure."""
    worker_requests: dict[str, ReportedRequests] = {}
    """By worker label."""
    dropped_messages: int = 0
    """Messages of workers that the master could not read."""
    overload: bool
    """Whether the run sends more than the API can serve, on purpose."""
    errors: list[ErrorFacts]
    exceptions: list[ExceptionFacts]
    ended_users: list[EndedUsers]
    window: Window | None
    """None where the run ended before all users were running."""
    pace: Pace | None
    promises: dict[str, str]
    """Checks that must find something to examine, each with the user class that promises it."""
    audit: Audit | None
    """None where no audit is registered for the target."""
    counters: ApiCounts | None
    """None where the API has no counters."""
    targets: list[MeasuredTarget]
    aborted: str | None
    """The target that ended the run, and its figure at that time."""
    stopped_by: str | None
    """What in the locustfile ended the run, such as ``runner.quit() at users.py:30``."""
    locustfile_exit_code: int | None
    """The exit code that the locustfile has set (``environment.process_exit_code``)."""
    stages: list[StageFigures]
    seconds: list[Second]
    merged_until: int = 0
    """Seconds before this one, since the epoch, are merged: their rows may be of several seconds.
    0 where none are. It is at least ten minutes before the end."""
    routes_over_time: RoutesOverTime | None = None
    """None before the end of the run, and where no request was counted."""
    races: list[Race]
    clock_set_s: float
    """How far the master's clock was set forward during the run; negative where it was set back."""
    machine: Machine
    samples: Samples
    statements: list[Statement]
    clocks: dict[str, ClockOffset]
    """By worker label, like `hub_lag`."""
    hub_lag: dict[str, HubLag]
    ramp_lag: dict[str, HubLag]
    """As `hub_lag`, in the seconds before the window."""
    events: list[Event]
    """In the order in which they happened."""
    events_left_out: dict[str, int] = {}
    """How many events are left out, by name: a run has 1,000 of each; 5,000 if the verdict needs them."""


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
            run = msgspec.json.decode(content, type=Facts)
            refuse_impossible_times(run)
            return run
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ImpossibleTimeError) as error:
        raise FactsError(f"{file} cannot be read: {error}") from error
    problem = "names no schema" if version is None else f"has schema {version}"
    raise FactsError(f"{file} {problem}, and this version of Stampede reads schema {SCHEMA}")


def refuse_impossible_times(run: Facts) -> None:
    """Raise ImpossibleTimeError for times that are no run: charts have a place for each second between."""
    window = (run.window.start, run.window.end) if run.window else ()
    of_events = (at for event in run.events for at in (event.at, event.last_look, event.last_report))
    times = [*(row.second for row in run.seconds), *window, *(at for at in of_events if at is not None)]
    if times and not (min(times) >= 0 and max(times) - min(times) < LONGEST_RUN and max(times) < 2**33):
        raise ImpossibleTimeError(f"its times are from {min(times):g} to {max(times):g}, which is no run")


@contextmanager
def figures_of(*runs: Path) -> Iterator[None]:
    """Work with the figures of runs. Raises FactsError where they contradict each other."""
    try:
        yield
    except FactsError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        names = " and ".join(str(run / "run.json") for run in runs)
        reason = f"{type(error).__name__}: {error}"
        raise FactsError(f"the figures of {names} contradict each other: {reason}") from error


def write(folder: Path, name: str, content: Struct) -> None:
    """Write a file of a run as JSON. Raises OSError.

    The file is renamed into place when it is complete: the process may be killed while it writes.
    """
    part = folder / f"{name}.part"
    part.write_bytes(msgspec.json.format(encoded(content), indent=2) + b"\n")
    part.replace(folder / name)


def encoded(content: Struct) -> bytes:
    """Return a struct as JSON, in UTF-8.

    A lone surrogate, as in a path that is not UTF-8, becomes a question mark.
    """
    try:
        return msgspec.json.encode(content)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(content), ensure_ascii=False).encode("utf-8", "replace")

"""The state of a run in progress. ``run.json`` is made from it: see stampede/facts/run_json.py."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from stampede.counting.figures import whole_seconds
from stampede.facts.figures import RoutesOverTime, Second, StageFigures
from stampede.facts.run_json import ApiCounts, Audit, Phase, Race
from stampede.facts.samples import ClockOffset, HubLag, Machine, Samples, Statement
from stampede.facts.target import MeasuredTarget, Target
from stampede.plan.profiles import Plan
from stampede.run.run_events import RunEvents
from stampede.run.worker_totals import WorkerTotals


def _clock_zero() -> float:
    """Return the wall-clock time at which the monotonic clock was zero.

    It stays the same until the wall clock is set.
    """
    return time.time() - time.monotonic()


@dataclass(slots=True)
class Run:
    """The state of one run. Times are in seconds since the epoch."""

    id: str
    plan: Plan | None
    """The plan; None where the run was started with the numbers of the UI's form."""
    started: float
    phase: Phase = Phase.RAMP
    is_headless: bool = False
    """Whether `make headless` started the run, and not the browser."""
    locustfile_commit: str | None = None
    api_version: str | None = None
    first_user_at: float | None = None
    """When the first user was running; the time of a run with a plan counts from then."""
    window_start: float | None = None
    window_end: float | None = None
    workers: int = 0
    as_planned: bool = False
    """True when the plan has run to its end; False before, and where the run ended early."""
    promises: dict[str, str] = field(default_factory=dict)
    """Checks that must find something, each with the user class that promises it."""
    lost_workers: list[str] = field(default_factory=list)
    """Locust's ids of the workers that never sent a last report."""
    worker_totals: WorkerTotals = field(default_factory=WorkerTotals)
    dropped_messages: int = 0
    """Messages of workers that could not be read."""
    events: RunEvents = field(default_factory=RunEvents)
    """The events of all sources, in the order in which they became known."""
    races: list[Race] = field(default_factory=list)
    audit: Audit | None = None
    """The result of the audit; None where the run has no audit."""
    counters: ApiCounts | None = None
    """The counts of the API itself; None where it has no counters."""
    stages: list[StageFigures] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    merged_until: int = 0
    """Seconds before this one are merged: their rows may be of several. 0 where none are."""
    most_target_users: int = 0
    """The highest number of users that was wanted in a second so far."""
    routes_over_time: RoutesOverTime | None = None
    targets: list[MeasuredTarget] = field(default_factory=list)
    form_targets: tuple[Target, ...] = ()
    """What the UI's form stated as targets; used where the run has no plan."""
    aborted: str | None = None
    """The target that ended the run, with what was measured then; None where none did."""
    stopped_by: str | None = None
    """What in the locustfile ended the run; None where nothing in it did."""
    locustfile_exit_code: int | None = None
    removed_runs: str | None = None
    """The line about old runs that were removed at the end of this run; None where there were none."""
    machine: Machine = field(default_factory=Machine)
    samples: Samples = field(default_factory=Samples)
    statements: list[Statement] = field(default_factory=list)
    clocks: dict[str, ClockOffset] = field(default_factory=dict)
    hub_lag: dict[str, HubLag] = field(default_factory=dict)
    ramp_lag: dict[str, HubLag] = field(default_factory=dict)
    clock_zero: float = field(default_factory=_clock_zero)
    """The zero of the monotonic clock, by the wall clock, when the run began."""

    @property
    def clock_set(self) -> float:
        """Return by how many seconds the wall clock was set forward in the run; negative where set back."""
        return _clock_zero() - self.clock_zero

    @property
    def stated_targets(self) -> tuple[Target, ...]:
        """Return the targets of the plan or else of the form, without measurements."""
        return self.plan.targets if self.plan else self.form_targets

    @property
    def window(self) -> range:
        """Return the whole seconds of the window; empty before its end, or where the run has no window."""
        if self.window_start is None or self.window_end is None:
            return range(0)
        return range(*whole_seconds(self.window_start, self.window_end))


def wanted_users(run: Run, target_users: int) -> int:
    """Return the highest number of users of a run so far; `target_users` is the present one."""
    if run.plan and not run.plan.shape:
        return run.plan.users
    return max(target_users, run.most_target_users)

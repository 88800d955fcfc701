"""What is known of one run while it goes on. ``run.json`` is made from it: stampede/facts/run.py."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from stampede.counting.figures import whole_seconds
from stampede.facts.event import Event
from stampede.facts.figures import Second, StageFigures
from stampede.facts.run import ApiCounts, Audit, Phase, Race
from stampede.facts.samples import ClockOffset, HubLag, Machine, Samples, Statement
from stampede.facts.target import MeasuredTarget, Target
from stampede.plan.profiles import Plan


def _clock_zero() -> float:
    """When the monotonic clock was at zero, by the one that can be set: the same until it is set."""
    return time.time() - time.monotonic()


@dataclass(slots=True)
class Run:
    """What is known of one run. Times are seconds since the epoch."""

    id: str
    plan: Plan | None
    """None where it was started by the numbers of the UI's form."""
    started: float
    phase: Phase = Phase.RAMP
    window_start: float | None = None
    window_end: float | None = None
    workers: int = 0
    as_planned: bool = False
    """The plan was carried out to its end; False while it goes on, and when something ended it early."""
    promises: dict[str, str] = field(default_factory=dict)
    """Checks that must find something to look at, and the user class that promises it."""
    lost_workers: list[str] = field(default_factory=list)
    """Workers that never reported the end: Locust's names."""
    events: list[Event] = field(default_factory=list)
    """What happened, from every source, in the order in which it became known."""
    races: list[Race] = field(default_factory=list)
    audit: Audit | None = None
    """What the audit answered; None where there is none."""
    counters: ApiCounts | None = None
    """What the API itself has counted; None where it has no counters."""
    stages: list[StageFigures] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    targets: list[MeasuredTarget] = field(default_factory=list)
    aborted: str | None = None
    """The target that ended the run, and what was measured then."""
    machine: Machine = field(default_factory=Machine)
    samples: Samples = field(default_factory=Samples)
    statements: list[Statement] = field(default_factory=list)
    clocks: dict[str, ClockOffset] = field(default_factory=dict)
    hub_lag: dict[str, HubLag] = field(default_factory=dict)
    clock_zero: float = field(default_factory=_clock_zero)
    """As it was when the run began."""

    @property
    def clock_set(self) -> float:
        """Return by how many seconds the clock was set forward since it began; negative where set back."""
        return _clock_zero() - self.clock_zero

    @property
    def wanted(self) -> tuple[Target, ...]:
        """Return the targets, as they were stated."""
        return self.plan.targets if self.plan else ()

    @property
    def window(self) -> range:
        """Return its whole seconds, since the epoch; none before its end, or where it has none."""
        if self.window_start is None or self.window_end is None:
            return range(0)
        return range(*whole_seconds(self.window_start, self.window_end))

"""What is known of one run, as it goes on.

It goes through the phases *ramp* (users are starting), *window* (all are there; figures are of this part),
*stopping* (users finish what they have, workers report the rest), *auditing* (is the data right?), *writing*
(results) and *done*.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from stampede.counting.figures import whole_seconds
from stampede.plan.profiles import Plan
from stampede.targets.target import Target


def _clock_zero() -> float:
    """When the monotonic clock was at zero, by the one that can be set: the same until somebody sets it."""
    return time.time() - time.monotonic()


@dataclass(slots=True)
class Run:
    """What is known of one run. Times are seconds since the epoch."""

    id: str
    plan: Plan | None
    """None where somebody started it by the numbers of the UI's form."""
    started: float
    phase: str = "ramp"
    window_start: float | None = None
    window_end: float | None = None
    workers: int = 0
    as_planned: bool = False
    """The plan was carried out to its end; False while it goes on, and when something ended it early."""
    promises: dict[str, str] = field(default_factory=dict)
    """Checks that must find something to look at, and who promises it."""
    lost_workers: list[str] = field(default_factory=list)
    """Who never reported the end: Locust's names."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """What happened, as it happened: ``name``, ``at`` (seconds since the epoch) and its facts."""
    races: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[str, Any] | None = None
    """What the audit answered; None where there is none."""
    counters: dict[str, Any] | None = None
    """What the API itself has counted; None where it does not tell."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """What each stage was like: stampede/run/stages.py."""
    seconds: list[dict[str, Any]] = field(default_factory=list)
    """A row for each second: stampede/run/timeline.py."""
    targets: list[dict[str, Any]] = field(default_factory=list)
    """What they are, and what was measured: stampede/targets/measuring.py."""
    aborted: str | None = None
    """The target that ended the run, and what was measured then."""
    readings: dict[str, Any] = field(default_factory=dict)
    """What the machines were like: ``machine``, ``samples``, ``statements``, ``clocks``, ``hub_lag``."""
    clock_zero: float = field(default_factory=_clock_zero)
    """As it was when the run began."""

    @property
    def clock_set(self) -> float:
        """By how many seconds the clock was set forward since it began; negative where it was set back."""
        return _clock_zero() - self.clock_zero

    @property
    def wanted(self) -> tuple[Target, ...]:
        """The targets, as they were stated."""
        return self.plan.targets if self.plan else ()

    @property
    def window(self) -> range:
        """Its whole seconds, since the epoch; none before its end, or where it has none."""
        if self.window_start is None or self.window_end is None:
            return range(0)
        return range(*whole_seconds(self.window_start, self.window_end))

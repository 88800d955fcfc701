"""All that workers count of each request, and the master adds up: times, outcomes, samples of errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stampede.counting.errors import ErrorSamples
from stampede.counting.latency import Latencies
from stampede.counting.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Counts:
    """Those of one worker since its last report, or on the master those of all of them in a run."""

    latencies: Latencies = field(default_factory=Latencies)
    outcomes: Outcomes = field(default_factory=Outcomes)
    errors: ErrorSamples = field(default_factory=ErrorSamples)

    def clear(self) -> None:
        """Forget everything: a run begins."""
        for each in self._all:
            each.clear()

    def count(self, **request: Any) -> None:
        """Count one request; the arguments are those of Locust's request event."""
        for each in self._all:
            each.count(**request)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put the counts into a worker's report, and begin anew."""
        for each in self._all:
            each.hand_over(report)

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what stands in a worker's report."""
        for each in self._all:
            each.add(report)

    @property
    def _all(self) -> tuple[Latencies, Outcomes, ErrorSamples]:
        return self.latencies, self.outcomes, self.errors

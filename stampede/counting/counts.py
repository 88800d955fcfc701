"""What workers count of each request and the master adds up: times, outcomes, samples of errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stampede.counting.error_samples import ErrorSamples
from stampede.counting.latency import Latencies
from stampede.counting.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one worker since its last report; on the master, of all workers in a run."""

    latencies: Latencies = field(default_factory=Latencies)
    outcomes: Outcomes = field(default_factory=Outcomes)
    errors: ErrorSamples = field(default_factory=ErrorSamples)

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        for part in self._parts:
            part.clear()

    def stop(self) -> None:
        """Keep requests apart that are sent from now on, as the run stops."""
        self.latencies.stop()
        self.outcomes.stop()

    def count(self, **request: Any) -> None:
        """Count one request; the arguments are those of Locust's request event."""
        for part in self._parts:
            part.count(**request)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's report."""
        for part in self._parts:
            part.hand_over(report)

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        for part in self._parts:
            part.add(report)

    @property
    def _parts(self) -> tuple[Latencies, Outcomes, ErrorSamples]:
        return self.latencies, self.outcomes, self.errors

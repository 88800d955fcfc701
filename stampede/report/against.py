"""How near each route came to the targets on response times that include it. Pure.

A target of several routes is judged over all of them together. One route may be above its limit while the
target is met; the report shows that route all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stampede.facts.figures import Figures
from stampede.facts.run_json import Facts
from stampede.facts.target import Kind, Target
from stampede.report import formatting
from stampede.verdict.fast import NEAR


class NearestTarget(NamedTuple):
    """The target that a route came nearest to, and how near."""

    share: float
    """The route's time as a share of the limit."""
    target: str

    @property
    def colour(self) -> str:
        """Return green, yellow near the limit, or red above it."""
        return "red" if self.share > 1 else "yellow" if self.share >= NEAR else "green"

    @property
    def text(self) -> str:
        """Return the share and the target, such as ``48 % of the limit: p95 < 500ms``."""
        return f"{formatting.percent(self.share)} of the limit: {self.target}"


def time_targets(run: Facts) -> list[Target]:
    """Return the targets that limit a response time over the whole window."""
    return [
        target
        for target in (result.target for result in run.targets)
        if target.figure.kind is Kind.TIME and target.seconds is None and target.operator in ("<", "<=")
    ]


def nearest_target(
    targets: Sequence[Target], method: str, name: str, figures: Figures
) -> NearestTarget | None:
    """Return the nearest target; None where no target includes this route and a known figure of it."""
    candidates = [
        NearestTarget(actual / target.limit, target.text)
        for target in targets
        if target.limit and target.figure.routes.include(method, name)
        if (actual := _actual(target, figures)) is not None
    ]
    return max(candidates, default=None)


def _actual(target: Target, figures: Figures) -> float | None:
    times = figures.from_start if target.figure.from_start else figures
    # Only p50, p95, p99, avg and max are known.
    value: float | None = getattr(times, f"{target.figure.statistic}_ms", None)
    return value

"""How near each route came to the targets of response times that it is part of. Pure.

A target of several routes is judged over all of them together: one that is over it by itself need not fail
it, and is still where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from stampede.facts.figures import Figures
from stampede.facts.run import Facts
from stampede.facts.target import Kind, Target
from stampede.report import formatting
from stampede.verdict.fast import NEAR


class Against(NamedTuple):
    """The target a route came nearest to, and how near."""

    share: float
    """Of the limit."""
    target: str

    @property
    def colour(self) -> str:
        return "red" if self.share > 1 else "yellow" if self.share >= NEAR else "green"

    @property
    def says(self) -> str:
        over = "over: " if self.share > 1 else ""
        return f"{over}{formatting.percent(self.share)} of {self.target}"


def of_times(run: Facts) -> list[Target]:
    """The targets that limit a time over the whole window."""
    return [
        target
        for target in (result.target for result in run.targets)
        if target.figure.kind is Kind.TIME and target.seconds is None and target.operator in ("<", "<=")
    ]


def against(targets: Sequence[Target], method: str, name: str, figures: Figures) -> Against | None:
    """None where no target is of this route and of a figure that is known."""
    found = [
        Against(actual / target.limit, target.text)
        for target in targets
        if target.limit and target.figure.routes.include(method, name)
        if (actual := _actual(target, figures)) is not None
    ]
    return max(found, default=None)


def _actual(target: Target, figures: Figures) -> float | None:
    of = figures.from_start if target.figure.from_start else figures
    value: float | None = getattr(of, f"{target.figure.statistic}_ms", None)  # of p50, p95, p99, avg and max
    return value

"""How near each route came to the targets of response times that it is part of. Pure.

A target of several routes is judged over all of them together: one that is over it by itself need not fail
it, and is still where to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stampede.facts.check import Facts
from stampede.report import formatting
from stampede.targets.parser import TargetError, parse
from stampede.targets.target import Kind, Target
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
        for told in run.get("targets") or ()
        for target in _parsed(told["text"])
        if target.figure.kind is Kind.TIME and target.seconds is None and target.operator in ("<", "<=")
    ]


def _parsed(text: str) -> tuple[Target, ...]:
    try:
        return parse(text)
    except TargetError:  # of another version, whose grammar had more
        return ()


def against(targets: Sequence[Target], method: str, name: str, figures: Mapping[str, Any]) -> Against | None:
    """None where no target is of this route and of a figure that is known."""
    found = [
        Against(actual / target.limit, target.text)
        for target in targets
        if target.limit and target.figure.routes.include(method, name)
        if (actual := _actual(target, figures)) is not None
    ]
    return max(found, default=None)


def _actual(target: Target, figures: Mapping[str, Any]) -> float | None:
    of = (figures.get("from_start") or {}) if target.figure.from_start else figures
    value: float | None = of.get(f"{target.figure.statistic}_ms")
    return value

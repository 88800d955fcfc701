"""Each route beside the target it came nearest to."""

from __future__ import annotations

import pytest

from stampede.facts.figures import Figures
from stampede.facts.run_json import Facts
from stampede.facts.target import MeasuredTarget
from stampede.report.against import nearest_target, time_targets
from stampede.targets.parser import parse
from tests.facts import facts, make

FIGURES = make(Figures, avg_ms=100.0, p95_ms=240.0, from_start={"p95_ms": 900.0})


def run(*targets: str) -> Facts:
    return facts(targets=[MeasuredTarget(target, None) for target in parse(", ".join(targets))])


@pytest.mark.parametrize(
    ("targets", "says", "colour"),
    [
        (("p95 < 500ms",), "48 % of the limit: p95 < 500ms", "green"),
        # the nearest of several
        (("p95 < 500ms", "GET avg < 110ms"), "90.9 % of the limit: GET avg < 110ms", "yellow"),
        (("p95 of /orders/ < 0.2s",), "120 % of the limit: p95 of /orders/ < 200ms", "red"),
        (("p95 from start < 1s",), "90 % of the limit: p95 from start < 1000ms", "yellow"),
    ],
)
def test_the_nearest_target_is_named(targets: tuple[str, ...], says: str, colour: str) -> None:
    """With how much of it was used."""
    found = nearest_target(time_targets(run(*targets)), "GET", "/orders/", FIGURES)
    assert found is not None
    assert (found.text, found.colour) == (says, colour)


@pytest.mark.parametrize(
    "target",
    [
        "POST p95 < 500ms",
        "p95 of /products/ < 1s",
        "rps > 5",
        "errors < 1%",
        "p99 < 1s",
        "p95 < 1s for 5s",
    ],
)
def test_a_target_of_something_else_is_not(target: str) -> None:
    """Of other routes, of figures that are not known, or of seconds."""
    assert nearest_target(time_targets(run(target)), "GET", "/orders/", FIGURES) is None

"""The work at the end of a run grows with its names, and not with their square."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from stampede.counting import figures
from stampede.counting.counts import Counts
from stampede.counting.over_time import routes_over_time
from stampede.facts.samples import Samples
from stampede.run.abort import Abort
from stampede.targets import parser
from stampede.targets.evidence import Evidence
from stampede.targets.measuring import results

SECONDS = range(1_000, 1_020)
FEW, MANY = 100, 400


def counted(names: int) -> Counts:
    """A request with each name in every second, as a worker has reported it."""
    counts = Counts()
    rows = [
        (second, "GET", f"/item/{name}", 1, 0, b"\x05\x00", b"", b"", b"", 0)
        for second in SECONDS
        for name in range(names)
    ]
    statuses = [(second, "GET", f"/item/{name}", 200, 1) for second in SECONDS for name in range(names)]
    report: dict[str, Any] = {}
    counts.hand_over(report)
    outcomes = {**report["stampede_outcomes"], "counts": statuses}
    counts.add({**report, "stampede_latency": rows, "stampede_outcomes": outcomes})
    return counts


def calls(work: Callable[[Counts], object], counts: Counts) -> int:
    """How many functions are called, of Python and of C."""
    number = 0

    def count(_frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work(counts)
    finally:
        sys.setprofile(None)
    return number


def measured(text: str) -> Callable[[Counts], object]:
    def measure(counts: Counts) -> object:
        evidence = Evidence(counts, Samples, lambda: 2)
        return results(parser.parse(text), evidence, SECONDS, [*SECONDS], None)

    return measure


def aborting(counts: Counts) -> object:
    text = "every route p50 < 300ms, abort; every route p50 < 300ms for 5s, abort"
    abort = Abort(parser.parse(text), Evidence(counts, Samples, lambda: 2))
    return [abort.first_exceeded(SECONDS.start, end) for end in SECONDS]


@pytest.mark.parametrize(
    "work",
    [
        measured("p95 < 300ms"),
        measured("every route p95 < 300ms"),
        measured("every route p95 < 300ms for 10s"),
        measured("every route 5xx < 1% for 10s"),
        measured("every route rps > 0"),
        aborting,
        lambda counts: figures.window(counts.latencies, SECONDS, [*SECONDS], with_blocks=True),
        lambda counts: routes_over_time(counts.latencies, SECONDS, SECONDS, SECONDS),
        lambda counts: counts.outcomes.by_route(),
    ],
)
def test_work_grows_with_the_number_of_names(work: Callable[[Counts], object]) -> None:
    """Four times the names take four times the work, give or take; their square would be sixteen times."""
    few, many = (calls(work, counted(names)) for names in (FEW, MANY))
    assert many < 6 * few

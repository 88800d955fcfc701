"""Which roles have grown in a soak, from samples of what their processes use."""

from __future__ import annotations

import pytest

from tests.soak.growth import Row, judge, table
from tests.soak.usage import Usage

STEPS = range(40)
"""Samples; the last quarter is ten of them."""


def samples(role: str, **steps: float) -> list[dict[str, Usage]]:
    """Samples of a role of two processes, whose figures grow by `steps` with each sample."""
    return [
        {
            role: Usage(
                memory_mb=100 + steps.get("memory", 0) * step,
                files=round(30 + steps.get("files", 0) * step),
                threads=round(6 + steps.get("threads", 0) * step),
                pids=frozenset({1, 2 + round(steps.get("pids", 0) * step)}),
            )
        }
        for step in STEPS
    ]


def grown(seen: list[dict[str, Usage]]) -> list[str]:
    return [row.figure for row in judge(seen) if row.has_grown]


@pytest.mark.parametrize(
    ("steps", "figures"),
    [
        ({}, []),
        # between the quarters lie 20 samples: 8 MB, or 5 %
        ({"memory": 0.3}, []),
        ({"memory": 0.5}, ["memory (MB)"]),
        ({"memory": -1.0}, []),
        # three for each of two processes
        ({"files": 0.2}, []),
        ({"files": 0.5}, ["files"]),
        ({"threads": 0.5}, ["threads"]),
        # a process that was replaced has begun to grow again from nothing
        ({"pids": 0.05}, ["new processes"]),
    ],
)
def test_what_grows_is_listed(steps: dict[str, float], figures: list[str]) -> None:
    assert grown(samples("worker", **steps)) == figures


def test_connections_of_postgres_come_and_go() -> None:
    """Each is a process of its own."""
    assert grown(samples("postgres", pids=1.0)) == []


def test_the_warm_up_does_not_count() -> None:
    """A pool fills in the first quarter, and stays full."""
    seen = samples("worker")
    seen[:10] = [{"worker": Usage(20.0, 5, 1, frozenset({1, 2}))}] * 10
    assert grown(seen) == []


def test_a_moment_does_not_count() -> None:
    """Such as an autovacuum during the last sample."""
    seen = samples("worker")
    seen[-1] = {"worker": Usage(500.0, 900, 90, frozenset({1, 2}))}
    assert grown(seen) == []


def test_the_table_marks_what_has_grown() -> None:
    rows = [Row("worker", "memory (MB)", 100.0, 130.5, 8.0), Row("worker", "files", 30.0, 30.0, 6.0)]
    assert table(rows).splitlines()[1:] == [
        "worker    memory (MB)            100.0         130.5     108.0  GROWN",
        "worker    files                   30.0          30.0      36.0",
    ]

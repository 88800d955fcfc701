"""Rows of samples: older ones are merged into means, and into the highest values of limits and peaks."""

from __future__ import annotations

import pytest

from stampede.counting.steps import Part
from stampede.facts.samples import DatabaseSample, MasterSample, ProcessSample
from stampede.sampling.rows import MOST_WAITS, Rows


def test_the_seconds_of_a_part_are_one_row() -> None:
    rows: Rows[ProcessSample] = Rows()
    for second, (cpu, memory, lag) in enumerate(
        [(10.0, 60.0, 5.0), (20.0, 80.0, None), (None, 70.0, 9.0)], 100
    ):
        rows.append(ProcessSample(second=second, cpu_percent=cpu, memory_mb=memory, hub_lag_ms=lag))
    rows.append(ProcessSample(second=200, cpu_percent=99.0))
    part, other = Part("use", [range(100, 102)]), Part("use", [range(102, 110)])
    rows.merge(part)
    rows.merge(other)
    merged, third, newest = rows.all
    assert merged == ProcessSample(second=100, seconds=2, cpu_percent=15, memory_mb=80, hub_lag_ms=5)
    assert third == ProcessSample(second=102, seconds=1, memory_mb=70, hub_lag_ms=9)
    rows.join(part, other)
    merged, newest = rows.all
    assert merged == ProcessSample(second=100, seconds=3, cpu_percent=15, memory_mb=80, hub_lag_ms=9)
    assert (newest.second, rows.seconds()) == (200, {200})


def test_means_count_each_second_once() -> None:
    """Also after many joins."""
    rows: Rows[ProcessSample] = Rows()
    for second in range(8):
        rows.append(ProcessSample(second=second, cpu_percent=float(second)))
    parts = [Part("use", [range(0, 1)]), Part("use", [range(1, 8)])]
    for part in parts:
        rows.merge(part)
    rows.join(*parts)
    (row,) = rows.all
    assert (row.cpu_percent, row.seconds) == (3.5, 8)


def test_a_part_without_samples_has_no_row() -> None:
    rows: Rows[ProcessSample] = Rows()
    parts = [Part("use", [range(0, 4)]), Part("use", [range(4, 8)])]
    for part in parts:
        rows.merge(part)
    rows.join(*parts)
    assert rows.all == []


def test_late_reports_are_counted() -> None:
    """In how many seconds there were any."""
    rows: Rows[MasterSample] = Rows()
    for second, late in enumerate([0, 2, 1, 0]):
        rows.append(MasterSample(second=second, reports_late=late))
    parts = [Part("use", [range(0, 2)]), Part("use", [range(2, 4)])]
    for part in parts:
        rows.merge(part)
    rows.join(*parts)
    (row,) = rows.all
    assert (row.reports_late, row.late_seconds, row.seconds_late) == (2, 2, 2)


def test_connections_are_those_of_the_second_with_the_most() -> None:
    """So that their sum is the highest there was; waits are means."""
    rows: Rows[DatabaseSample] = Rows()
    rows.append(DatabaseSample(second=0, connections={"active": 9}, waits={"Lock:a": 2}))
    rows.append(
        DatabaseSample(second=1, connections={"active": 5, "idle": 5}, waits={"Lock:a": 1, "IO:b": 1})
    )
    rows.merge(Part("use", [range(0, 2)]))
    (row,) = rows.all
    assert row.connections == {"active": 5, "idle": 5}
    assert row.waits == {"Lock:a": 1.5, "IO:b": 0.5}


@pytest.mark.parametrize("seconds", [10, 1_000])
def test_waits_have_a_limit(seconds: int) -> None:
    """An audit of one's own can give each second other names."""
    rows: Rows[DatabaseSample] = Rows()
    for second in range(seconds):
        rows.append(DatabaseSample(second=second, waits={f"{second} {number}": 1 for number in range(9)}))
    rows.merge(Part("use", [range(0, seconds)]))
    (row,) = rows.all
    assert row.waits
    assert len(row.waits) == MOST_WAITS

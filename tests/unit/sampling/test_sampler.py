"""The rows a worker makes of itself, and how they get into its reports."""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest

import cgroup
from stampede.sampling.sampler import KEY, LONGEST_STALL, OwnSamples, Row, Sampler


def rows_of(seconds: float, hold_up: float = 0.0) -> list[Row]:
    """Of a process that samples itself for so long, and stands still for some of it."""
    rows: list[Row] = []
    Sampler(rows.append, lambda: True).start()
    gevent.sleep(seconds)
    time.sleep(hold_up)
    gevent.sleep(0.05)
    return rows


def test_each_second_that_is_over_has_one_row() -> None:
    """With what was used in it, and how late greenlets were."""
    began = int(time.time())
    rows = rows_of(2.2)
    seconds = [row.sample.second for row in rows]
    assert seconds[0] in (began, began + 1)  # it may have begun in the last moment of a second
    assert seconds == list(range(seconds[0], seconds[0] + len(rows)))
    assert len(rows) >= 2
    whole = rows[1].sample
    assert whole.hub_lag_p99_ms is not None
    assert whole.hub_lag_ms is not None
    assert whole.cpu_percent is not None
    assert whole.hub_lag_p99_ms <= whole.hub_lag_ms == max(lag for lag, _ in rows[1].hub_lags)
    assert 45 <= sum(count for _, count in rows[1].hub_lags) <= 55
    assert whole.cpu_percent < 50


def test_seconds_in_which_it_was_held_up_have_theirs_too() -> None:
    """A chart has no gap there, and the lag stands where it was."""
    rows = rows_of(0.1, hold_up=2.2)
    assert len(rows) >= 2
    seconds = [row.sample.second for row in rows]
    assert seconds == list(range(seconds[0], seconds[-1] + 1))
    assert sum((row.sample.hub_lag_ms or 0) > 100 for row in rows) >= 2


def test_a_clock_that_is_set_adds_few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as a stall has that is possible. A row for each second since 1970 would never be done."""
    rows: list[Row] = []
    with monkeypatch.context() as in_1970:
        in_1970.setattr(time, "time", lambda: 100.0)
        Sampler(rows.append, lambda: True).start()
        gevent.sleep(0.05)
    gevent.sleep(0.05)
    assert len(rows) == LONGEST_STALL


def test_a_report_has_the_rows_since_the_last_one() -> None:
    """And says which machine they are of."""
    samples = OwnSamples(lambda: True)
    reports: list[dict[str, Any]] = [{}, {}]
    gevent.sleep(1.1)
    for report in reports:
        samples.hand_over(report)
    assert reports[0][KEY]["machine"] == cgroup.boot_id()
    assert reports[0][KEY]["rows"]
    assert reports[1][KEY]["rows"] == []

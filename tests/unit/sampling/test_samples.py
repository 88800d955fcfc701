"""What a master collects of all roles; its workers are made up."""

from __future__ import annotations

import time
import tracemalloc
from types import SimpleNamespace
from typing import Any

import pytest
from locust.runners import STATE_MISSING, STATE_RUNNING

from stampede.facts.samples import HubLag, MasterSample, ProcessSample
from stampede.sampling import samples as samples_module
from stampede.sampling.sampler import KEY, Row
from stampede.sampling.samples import SampleCollector


class Runner:
    """What is asked of Locust's."""

    def __init__(self, **states: str) -> None:
        workers = [SimpleNamespace(id=worker, state=state) for worker, state in states.items()]
        self.clients = SimpleNamespace(all=workers)
        self.indexes = {worker: index for index, worker in enumerate(states)}
        self.sent: list[tuple[str, str]] = []

    def register_message(self, kind: str, listener: Any) -> None:
        pass

    def send_message(self, kind: str, _data: dict[str, Any], client_id: str) -> None:
        self.sent.append((kind, client_id))

    def get_worker_index(self, worker: str) -> int:
        return self.indexes[worker]


def report(*rows: dict[str, Any], machine: str | None = "here") -> dict[str, Any]:
    return {KEY: {"rows": list(rows), "machine": machine}}


def row(second: int, **lags: int) -> dict[str, Any]:
    """`ms12=3` is three times 12 ms; a quarter of it the process's own."""
    told = [[float(lag.removeprefix("ms")), count] for lag, count in lags.items()]
    return {
        "sample": {"second": second, "cpu_percent": 50.0},
        "hub_lags": told,
        "own_hub_lags": [[lag / 4, count] for lag, count in told],
    }


@pytest.fixture
def began() -> int:
    return int(time.time())


def test_the_rows_of_a_run_are_in_order_whenever_they_were_reported(began: int) -> None:
    """By the worker's label; not those of before and after the run, and without what only we need."""
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.add("aaaaaabbbbbb", report(row(began)))
    collected.begin()
    collected.add("aaaaaabbbbbb", report(row(began - 1), row(began + 2)))
    collected.add("aaaaaabbbbbb", report(row(began + 1)))
    collected.end()
    collected.add("aaaaaabbbbbb", report(row(began + 3)))
    assert collected.workers == {
        "0-bbbbbb": [
            ProcessSample(second=began + 1, cpu_percent=50.0),
            ProcessSample(second=began + 2, cpu_percent=50.0),
        ]
    }


def test_a_worker_keeps_its_name_when_it_has_left(began: int) -> None:
    """Locust would number it anew."""
    runner = Runner(aaaaaabbbbbb=STATE_RUNNING)
    collected = SampleCollector(runner)
    collected.begin()
    collected.add("aaaaaabbbbbb", report(row(began)))
    runner.indexes["aaaaaabbbbbb"] = 7
    collected.add("aaaaaabbbbbb", report(row(began + 1)))
    assert list(collected.workers) == ["0-bbbbbb"]


def test_hub_lag_is_of_all_moments_of_the_window(began: int) -> None:
    """Not the worst second's, nor a mean of seconds."""
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.begin()
    calm = [row(began + second, ms1=99, ms2=1) for second in range(1, 10)]
    collected.add("aaaaaabbbbbb", report(row(began, ms900=100), *calm, row(began + 10, ms1=96, ms40=4)))
    window = range(began + 1, began + 11)
    assert collected.hub_lag(window) == {"0-bbbbbb": HubLag(p99_ms=2.0, max_ms=40.0, own_p99_ms=0.5)}
    assert collected.hub_lag(range(0)) == {}


@pytest.mark.parametrize(("late", "p99_ms"), [(5, 4.0), (6, 40.0)])
def test_one_hiccup_is_no_percentile_of_a_short_window(began: int, late: int, p99_ms: float) -> None:
    """Of the hundred looks of two seconds the 99th percentile would be but the second latest."""
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.begin()
    collected.add("aaaaaabbbbbb", report(row(began, ms4=50), row(began + 1, ms4=50 - late, ms40=late)))
    told = collected.hub_lag(range(began, began + 2))["0-bbbbbb"]
    assert told == HubLag(p99_ms=p99_ms, max_ms=40.0, own_p99_ms=p99_ms / 4)


def test_where_the_kernel_does_not_tell_a_lag_of_its_own_is_not_known(began: int) -> None:
    """The whole is."""
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.begin()
    collected.add("aaaaaabbbbbb", report({**row(began + 1, ms3=9), "own_hub_lags": []}))
    told = collected.hub_lag(range(began, began + 2))
    assert told == {"0-bbbbbb": HubLag(p99_ms=3.0, max_ms=3.0, own_p99_ms=None)}


def test_a_late_report_is_seen_as_long_as_its_worker_is_there(
    began: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is lost is missing, not late. Everybody who is there is asked for the time."""
    runner = Runner(aaaaaabbbbbb=STATE_RUNNING, cccccccccccc=STATE_RUNNING, dddddddddddd=STATE_MISSING)
    collected = SampleCollector(runner)
    collected.begin()
    for worker in runner.indexes:
        collected.add(worker, report(row(began)))
    monkeypatch.setattr(samples_module, "LATE_REPORT", 0.05)
    time.sleep(0.1)
    collected.add("cccccccccccc", report(row(began + 1)))
    collected._keep_own(Row(ProcessSample(second=began, cpu_percent=50.0), [], []))
    assert collected.master == [MasterSample(second=began, cpu_percent=50.0, reports_late=1)]
    assert [worker for _, worker in runner.sent] == ["aaaaaabbbbbb", "cccccccccccc"]


@pytest.mark.parametrize(
    ("of_workers", "of_api", "shared"),
    [
        ("here", ["here"], True),
        ("here", ["there", "here"], True),
        ("here", ["there"], False),
        ("here", [], None),
        (None, ["here"], None),
    ],
)
def test_a_generator_shares_cores_with_what_runs_on_the_same_machine(
    began: int, of_workers: str | None, of_api: list[str], shared: bool | None
) -> None:
    """Where both tell; else nobody knows."""
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.begin()
    collected.add("aaaaaabbbbbb", report(row(began), machine=of_workers))
    machine = collected.machine(of_api)
    assert machine.generator_shares_cores is shared
    assert machine.cores is not None
    assert machine.cores >= 1
    assert machine.memory_mb is not None
    assert machine.memory_mb > 100


def test_lags_are_kept_small(began: int) -> None:
    """A run of hours has fifty of them a second, of each worker."""
    lags = {f"ms{tenths / 10}": 1 for tenths in range(50)}
    collected = SampleCollector(Runner(aaaaaabbbbbb=STATE_RUNNING))
    collected.begin()
    tracemalloc.start()
    for second in range(began, began + 200):
        collected.add("aaaaaabbbbbb", report(row(second, **lags)))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / 200 < 2000
    assert collected.hub_lag(range(began, began + 200))["0-bbbbbb"].max_ms == 4.9

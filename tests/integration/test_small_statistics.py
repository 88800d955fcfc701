"""Locust's own statistics on a master stay small, and show the same figures."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from locust.stats import RequestStats, StatsEntry
from locust.stats import bucket_response_time as stock_bucketing

from stampede.cluster.small_statistics import (
    KEPT_SECONDS,
    MOST_HISTORY,
    SmallEntry,
    SmallStatistics,
    forget_reported_names,
)
from stampede.counting.buckets import rounded
from stampede.counting.errors import MAX_ERRORS
from stampede.counting.exceptions import MAX_EXCEPTIONS
from stampede.counting.names import MOST_NAMES, OTHER, Names
from tests.integration.masters import Master

START = int(time.time())


@pytest.fixture
def master() -> Iterator[Master]:
    master = Master()
    SmallStatistics(master.runner, Names(), lambda *_: 12.0)
    yield master
    handlers = master.environment.events.worker_report._handlers
    handlers.clear()
    master.close()


def report(*requests: tuple[str, float], second: int = START, error: str | None = None) -> dict[str, Any]:
    """What a worker's statistics hand over: names with times in ms; with an error, all have failed."""
    stats = RequestStats(use_response_times_cache=False)
    for name, milliseconds in requests:
        stats.log_request("GET", name, milliseconds, 10)
        if error is not None:
            stats.log_error("GET", name, f"{error} {name}")
    for entry in (*stats.entries.values(), stats.total):
        entry.num_reqs_per_sec = {second: entry.num_requests}
        entry.num_fail_per_sec = {second: entry.num_failures} if error else {}
        entry.last_request_timestamp = second + 0.5
    return {
        "stats": stats.serialize_stats(),
        "stats_total": stats.total.get_stripped_report(),
        "errors": stats.serialize_errors(),
    }


def hears(master: Master, data: dict[str, Any]) -> None:
    master.environment.events.worker_report.fire(client_id="w", data=data)


def test_names_beyond_the_limit_are_one_entry_and_the_total_is_exact(master: Master) -> None:
    stats = master.runner.stats
    for start in range(0, 10_000, 500):
        hears(master, report(*((f"/item/{number}", 5.0) for number in range(start, start + 500))))
    assert len(stats.entries) == MOST_NAMES + 1
    assert stats.entries[OTHER, "GET"].num_requests == 10_000 - MOST_NAMES
    assert stats.total.num_requests == 10_000


def test_requests_of_the_master_itself_have_the_same_limit(master: Master) -> None:
    stats = master.runner.stats
    for number in range(MOST_NAMES + 5):
        stats.log_request("GET", f"/item/{number}", 5.0, 10)
        stats.log_error("GET", f"/item/{number}", "no")
    assert len(stats.entries) == MOST_NAMES + 1
    assert (stats.entries[OTHER, "GET"].num_requests, stats.num_requests) == (5, MOST_NAMES + 5)


def test_errors_beyond_the_limit_are_counted_together(master: Master) -> None:
    """However many names and texts they have; none is lost."""
    stats = master.runner.stats
    for start in range(0, 5_000, 500):
        numbers = range(start, start + 500)
        hears(master, report(*((f"/item/{number}", 5.0) for number in numbers), error=f"no {start}"))
    assert len(stats.errors) <= MAX_ERRORS + MOST_NAMES + 1
    assert sum(error.occurrences for error in stats.errors.values()) == 5_000
    hears(master, report(*((f"/item/{number}", 5.0) for number in range(500)), error="no 0"))
    known = [error for error in stats.errors.values() if error.error == "no 0 /item/7"]
    assert [error.occurrences for error in known] == [2], "a known error is counted under its text"


def test_seconds_that_locust_does_not_show_are_dropped(master: Master) -> None:
    entry = master.runner.stats
    for second in range(START, START + 5_000):
        hears(master, report(("/", 5.0), second=second, error="no"))
    for counts in (entry.entries["/", "GET"], entry.total):
        assert len(counts.num_reqs_per_sec) <= 2 * KEPT_SECONDS
        assert len(counts.num_fail_per_sec) <= 2 * KEPT_SECONDS
        assert counts.current_rps == 1


def test_the_history_of_the_charts_has_a_limit(master: Master) -> None:
    """It keeps its beginning and its end."""
    history = master.runner.stats.history
    for number in range(10 * MOST_HISTORY):
        history.append({"time": number})
        hears(master, report(("/", 5.0)))
    assert len(history) <= MOST_HISTORY
    assert (history[0]["time"], history[-1]["time"]) == (0, 10 * MOST_HISTORY - 1)


def test_exceptions_have_a_limit(master: Master) -> None:
    for number in range(2 * MAX_EXCEPTIONS):
        data = {"msg": "no", "traceback": f"line {number}"}
        master.runner.log_exception("w", data["msg"], data["traceback"])
    exceptions = master.runner.exceptions
    assert len(exceptions) == MAX_EXCEPTIONS + 1
    assert sum(each["count"] for each in exceptions.values()) == 2 * MAX_EXCEPTIONS


@pytest.mark.parametrize("bucketing", [rounded, stock_bucketing, lambda time: int(time) | 1])
def test_each_figure_is_that_of_stock_locust(
    master: Master, bucketing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, averages and all percentiles, of any times; also if a locustfile rounds them in its own way."""
    monkeypatch.setattr("locust.stats.bucket_response_time", bucketing)
    chance = random.Random(7)  # noqa: S311 - guards no secret
    stock = StatsEntry(master.runner.stats, "/", "GET")
    for _ in range(50):
        times = [chance.lognormvariate(4, 1.5) for _ in range(chance.randrange(1, 40))]
        data = report(*(("/", milliseconds) for milliseconds in times))
        stock.extend(StatsEntry.unserialize(copy.deepcopy(data["stats"][0]), master.runner.stats))
        hears(master, data)
        small = master.runner.stats.entries["/", "GET"]
        assert isinstance(small, SmallEntry)
        assert small.to_dict() == pytest.approx(stock.to_dict())
        for percent in (0.0, 0.001, 0.5, 0.66, 0.95, 0.999, 1.0):
            assert small.get_response_time_percentile(percent) == stock.get_response_time_percentile(percent)
        assert dict(small.response_times) == dict(stock.response_times)


def test_an_entry_without_times_has_the_figures_of_stock_locust(master: Master) -> None:
    small = SmallEntry(master.runner.stats, "/", "GET", lambda *_: None)
    assert small.to_dict() == StatsEntry(master.runner.stats, "/", "GET").to_dict()


def test_current_percentiles_need_no_copies_of_all_times(master: Master) -> None:
    hears(master, report(("/", 5.0), second=int(time.time())))
    entry = master.runner.stats.entries["/", "GET"]
    assert entry.get_current_response_time_percentile(0.95) == 12.0
    assert not entry.response_times_cache


def test_a_worker_forgets_many_names_that_it_has_reported() -> None:
    """Few names it keeps: a locustfile may hold their entries."""
    stats = RequestStats(use_response_times_cache=False)
    stats.log_request("GET", "/", 5.0, 10)
    entry = stats.get("/", "GET")
    stats.serialize_stats()
    forget_reported_names(stats, 3)
    assert stats.get("/", "GET") is entry
    for number in range(3):
        stats.log_request("GET", f"/{number}", 5.0, 10)
    stats.serialize_stats()
    forget_reported_names(stats, 3)
    assert not stats.entries

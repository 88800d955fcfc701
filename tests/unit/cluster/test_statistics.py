"""Locust's own statistics count a request whatever a locustfile reports of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from locust.exception import CatchResponseError
from locust.rpc import Message
from locust.stats import RequestStats, get_stats_summary

from stampede.cluster import patches, small_statistics
from stampede.counting.readable import text
from tests.unit.counting.test_readable import Unreadable


@pytest.fixture
def stats(monkeypatch: pytest.MonkeyPatch) -> RequestStats:
    """Statistics as a worker of ours has them; afterwards Locust's class is as it was."""
    for name in ("log_request", "log_error"):
        monkeypatch.setattr(RequestStats, name, getattr(RequestStats, name))
    patches.count_any_request()
    return RequestStats()


@pytest.mark.parametrize("name", ["/", None, 5, ["a"], Unreadable(), "\ud83d", "a" * 5_000])
def test_any_name_is_counted_and_can_be_sent(stats: RequestStats, name: Any) -> None:
    """One report that cannot be sent would end the worker's reports."""
    stats.log_request("GET", name, 5, 1)
    stats.log_request(name, "/", 5, 1)
    stats.log_error("GET", name, ValueError("wrong"))
    stats.log_error("GET", "/", "an error with \ud83d")
    errors = {key: error.to_dict() for key, error in stats.errors.items()}
    report = {"stats": stats.serialize_stats(), "errors": errors}
    sent = Message.unserialize(Message("stats", report, "w").serialize()).data
    assert {text(name), "/"} == {entry["name"] for entry in sent["stats"]}
    assert "an error with ?" in [error["error"] for error in sent["errors"].values()]
    assert (stats.total.num_requests, stats.total.num_failures) == (2, 2)


@pytest.mark.parametrize("time", [None, float("nan"), float("inf"), -5.0, "12", Decimal(12), Unreadable()])
@pytest.mark.parametrize("length", [0, None, "9"])
def test_a_request_without_a_readable_time_is_counted(stats: RequestStats, time: Any, length: Any) -> None:
    stats.log_request("GET", "/", time, length)
    stats.log_request("GET", "/", 20, 100)
    assert (stats.total.num_requests, stats.total.num_none_requests) == (2, 1)
    assert stats.get("/", "GET").avg_response_time == 20
    assert stats.total.total_content_length == 100
    assert get_stats_summary(stats, current=False)
    assert json.dumps(stats.serialize_stats(), allow_nan=False)


def test_an_ordinary_request_is_counted_as_by_locust(stats: RequestStats) -> None:
    stats.log_request("GET", "/", 12.5, 100)
    entry = stats.get("/", "GET")
    assert (entry.num_requests, entry.max_response_time, entry.total_content_length) == (1, 12.5, 100)


def test_an_error_is_kept_as_a_short_text(monkeypatch: pytest.MonkeyPatch, stats: RequestStats) -> None:
    """Not with the answer that it has, which may be many megabytes."""
    monkeypatch.setattr(RequestStats, "log_error", RequestStats.log_error)  # restored after the test
    small_statistics.keep_texts_of_errors()
    stats.log_error("GET", "/", CatchResponseError("x" * 100_000))
    (error,) = stats.errors.values()
    assert isinstance(error.error, str)
    assert len(error.error) < 500
    assert error.to_name().startswith("GET /: 'xxx")

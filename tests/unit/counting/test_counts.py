"""All that is counted of a request stops, and begins again, together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from msgspec import msgpack

from stampede.counting.counts import Counts

ANSWER = SimpleNamespace(status_code=200)


def totals(worker: Counts) -> tuple[int, int]:
    """The requests in the window and the answers in it, at any time, as the master adds them up."""
    total, report = Counts(), dict[str, Any]()
    worker.hand_over(report)
    total.add(msgpack.decode(msgpack.encode(report), strict=False))
    seconds = [row[0] for key in report if "latency" in key for row in report[key]]
    start, end = min(seconds), max(seconds) + 1
    return total.latencies.requests(start, end), total.outcomes.histogram(start, end).total()


def test_requests_sent_after_the_stop_are_counted_apart_until_the_next_run() -> None:
    """By times and outcomes alike. What was sent before the stop still counts."""
    worker = Counts()
    request: dict[str, Any] = {"request_type": "GET", "name": "/", "response": ANSWER}
    worker.count(**request, response_time=5.0)
    worker.stop()
    worker.count(**request, response_time=60_000.0)
    worker.count(**request, response_time=-1)
    assert totals(worker) == (2, 2)
    worker.count(**request, response_time=None)
    worker.count(**request, response_time=60_000.0)
    assert totals(worker) == (1, 1), "also after a report"
    worker.clear()
    worker.count(**request, response_time=None)
    assert totals(worker) == (1, 1)

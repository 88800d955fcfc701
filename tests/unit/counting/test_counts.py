"""All that is counted of a request stops, and begins again, together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import msgpack

from stampede.counting.counts import Counts
from stampede.counting.readable import text
from tests.unit.counting.test_readable import Unreadable

ANSWER = SimpleNamespace(status_code=200)


def totals(worker: Counts) -> tuple[int, int]:
    """The requests in the window and the answers in it, at any time, as the master adds them up."""
    total, report = Counts(), dict[str, Any]()
    worker.hand_over(report)
    total.add(msgpack.decode(msgpack.encode(report), strict=False))
    seconds = [row[0] for key in report if "latency" in key for row in report[key]]
    start, end = min(seconds), max(seconds) + 1
    return total.latencies.sum(range(start, end)).requests, total.outcomes.histogram(start, end).total()


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


@pytest.mark.parametrize("name", [None, 5, ["a"], {}, Unreadable(), "\ud83d", "a" * 5_000, "é" * 5_000])
def test_a_request_counts_whatever_its_method_and_its_name_are(name: Any) -> None:
    """They are text in all counts, so that they are sorted, and sent as a worker's report."""
    total, worker, report = Counts(), Counts(), dict[str, Any]()
    worker.count("GET", name, response_time=10, response=ANSWER)
    worker.count("GET", name, response_time=10, response=ANSWER)
    worker.count(name, "/", 10, ValueError("no"))
    worker.hand_over(report)
    total.add(msgpack.decode(msgpack.encode(report), strict=False))
    assert total.latencies.routes() == sorted([("GET", text(name)), (text(name), "/")])
    assert total.latencies.total_requests == 3
    assert total.outcomes.by_route() == {f"GET {text(name)}": {"200": 2}, f"{text(name)} /": {"0": 1}}


class EmptyError(Exception):
    """An exception that is false, as it has a length of 0."""

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("exception", "errors"),
    [
        (None, []),
        # Locust counts what is false as no error, unless it is an exception
        ("", []),
        (False, []),
        ("too slow", ["too slow"]),
        (ValueError("x"), ["ValueError('x')"]),
        (EmptyError(), ["EmptyError()"]),
    ],
)
def test_a_request_with_an_exception_is_a_failure_and_an_error(exception: Any, errors: list[str]) -> None:
    """Both counts agree."""
    worker, total, report = Counts(), Counts(), dict[str, Any]()
    worker.count("GET", "/", exception=exception, response=ANSWER, response_time=5.0)
    worker.hand_over(report)
    total.add(report)
    assert [error.error for error in total.errors.facts()] == errors
    assert (total.latencies.total_requests, total.latencies.total_failures) == (1, len(errors))

"""One answer of each error is kept, and handed over once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from locust.contrib.fasthttp import ErrorResponse, FastRequest
from locust.exception import CatchResponseError
from locust.stats import StatsError
from requests import Response

from stampede.counting.error_samples import MAX_SAMPLES, ErrorSamples
from stampede.counting.readable import text
from stampede.facts.run_json import ErrorSample


def answered(status: int, body: bytes, request_id: str) -> Response:
    response = Response()
    response.status_code = status
    response._content = body
    response.headers["X-Request-ID"] = request_id
    return response


def handed_over(worker: ErrorSamples) -> dict[str, Any]:
    report: dict[str, Any] = {}
    worker.hand_over(report)
    return report


def test_the_first_answer_of_each_error_is_its_sample() -> None:
    """Of two workers' the first that was reported; found by the text that Locust keeps."""
    total = ErrorSamples()
    for worker_name in ("a", "b"):
        worker = ErrorSamples()
        for number in (1, 2):
            error = CatchResponseError("POST /orders/: 500")
            worker.count("POST", "/orders/", error, answered(500, b"oops", f"{worker_name}-{number}"))
        total.add(handed_over(worker))
    found = total.find("POST", "/orders/", "CatchResponseError('POST /orders/: 500')")
    assert found == ErrorSample(status=500, body="oops", request_id="a-1")


def test_an_error_is_found_whatever_it_says_of_memory() -> None:
    """Locust hides the address of one object only."""
    total, worker = ErrorSamples(), ErrorSamples()
    error = ValueError(object(), object())
    worker.count("GET", "/", error, answered(500, b"", "1"))
    total.add(handed_over(worker))
    assert total.find("GET", "/", StatsError.parse_error(error)) is not None


def test_a_sample_is_handed_over_once() -> None:
    worker = ErrorSamples()
    for _ in range(2):
        worker.count("GET", "/", ValueError("x"), answered(500, b"", "1"))
        last = handed_over(worker)
    assert list(last.values()) == [[]]


def test_no_answer_has_no_more_than_its_error() -> None:
    total, worker = ErrorSamples(), ErrorSamples()
    error = ConnectionRefusedError(111, "refused")
    worker.count("GET", "/", error, ErrorResponse(FastRequest("http://x/"), error))
    total.add(handed_over(worker))
    assert total.find("GET", "/", repr(error)) == ErrorSample(status=None, body=None, request_id=None)
    assert total.find("GET", "/", "another") is None


def test_a_client_of_ones_own_may_answer_with_anything() -> None:
    """A sample that run.json could not hold would cost the run its verdict."""
    total, worker = ErrorSamples(), ErrorSamples()
    odd = SimpleNamespace(status_code="OK", headers={"X-Request-ID": 7})
    for name, response in (
        ("values", odd),
        ("headers", SimpleNamespace(status_code=0, headers=[("a", "b")])),
    ):
        worker.count("GRPC", name, ValueError(), response)
    total.add(handed_over(worker))
    for name in ("values", "headers"):
        assert total.find("GRPC", name, "ValueError()") == ErrorSample()


def test_a_long_answer_is_cut_and_a_stream_is_left_to_its_user() -> None:
    stream = SimpleNamespace(status_code=500, headers={}, _content=False)
    for response, body in ((answered(500, "ä".encode() * 900, "1"), "ä" * 500), (stream, None)):
        worker = ErrorSamples()
        worker.count("GET", "/", ValueError(), response)
        ((*_, sample),) = handed_over(worker)["stampede_errors"]
        assert sample["body"] == body


def test_errors_without_end_leave_an_end_of_samples() -> None:
    worker = ErrorSamples()
    for number in range(2 * MAX_SAMPLES):
        worker.count("GET", "/", ValueError(number), None)
    assert len(handed_over(worker)["stampede_errors"]) == MAX_SAMPLES


def test_a_request_that_succeeded_is_no_sample() -> None:
    worker = ErrorSamples()
    worker.count("GET", "/", None, answered(200, b"", "1"))
    assert handed_over(worker) == {"stampede_errors": []}


def test_an_error_of_a_request_with_any_name_has_its_sample() -> None:
    """Locust's statistics have the name as text."""
    for name in (42, ["a"], "\ud83d"):
        total, worker = ErrorSamples(), ErrorSamples()
        worker.count("RPC", name, ValueError(), answered(500, b"oops", "1"))  # type: ignore[arg-type]
        total.add(handed_over(worker))
        assert total.find("RPC", text(name), "ValueError()") is not None

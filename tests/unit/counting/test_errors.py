"""Failed requests are counted by method, name and text, and one answer of each is kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from locust.contrib.fasthttp import ErrorResponse, FastRequest
from locust.exception import CatchResponseError
from requests import HTTPError, Response

from stampede.counting.errors import (
    LONGEST_ERROR,
    LONGEST_REQUEST_ID,
    MAX_ERRORS,
    MAX_ERRORS_OF_ROUTE,
    MAX_SAMPLES,
    OTHERS,
    Errors,
)
from stampede.facts.run_json import ErrorFacts, ErrorSample


def answered(status: int, body: bytes, request_id: str) -> Response:
    response = Response()
    response.status_code = status
    response._content = body
    response.headers["X-Request-ID"] = request_id
    return response


def handed_over(worker: Errors) -> dict[str, Any]:
    report: dict[str, Any] = {}
    worker.hand_over(report)
    return report


def counted(exception: object, response: object = None) -> ErrorFacts:
    """The only error of a run, as its master has it."""
    total, worker = Errors(), Errors()
    worker.count("GET", "/", exception, response)
    total.add(handed_over(worker))
    (error,) = total.facts()
    return error


def test_the_first_answer_of_each_error_is_its_sample() -> None:
    """Of two workers' the first that was reported; both workers' occurrences add up."""
    total = Errors()
    for worker_name in ("a", "b"):
        worker = Errors()
        for number in (1, 2):
            error = CatchResponseError("POST /orders/: 500")
            worker.count("POST", "/orders/", error, answered(500, b"oops", f"{worker_name}-{number}"))
        total.add(handed_over(worker))
    (found,) = total.facts()
    assert (found.error, found.occurrences) == ("CatchResponseError('POST /orders/: 500')", 4)
    assert found.sample == ErrorSample(status=500, body="oops", request_id="a-1")
    assert found.first_at is not None
    assert found.last_at is not None
    assert found.first_at <= found.last_at


def test_errors_that_differ_in_an_address_are_one() -> None:
    total = Errors()
    for _ in range(2):
        worker = Errors()
        worker.count("GET", "/", ValueError(object(), object()), None)
        total.add(handed_over(worker))
    (found,) = total.facts()
    assert found.occurrences == 2


def test_each_occurrence_is_handed_over_once_and_a_sample_once() -> None:
    worker = Errors()
    worker.count("GET", "/", ValueError("x"), answered(500, b"", "1"))
    assert handed_over(worker)["stampede_errors"][0][-1] is not None
    worker.count("GET", "/", ValueError("x"), answered(500, b"", "1"))
    ((*_, occurrences, _first, _last, sample),) = handed_over(worker)["stampede_errors"]
    assert (occurrences, sample) == (1, None)
    assert handed_over(worker) == {"stampede_errors": []}


def test_no_answer_has_no_more_than_its_error() -> None:
    error = ConnectionRefusedError(111, "refused")
    found = counted(error, ErrorResponse(FastRequest("http://x/"), error))
    assert found.error == repr(error)
    assert found.sample == ErrorSample(status=None, body=None, request_id=None)


@pytest.mark.parametrize(
    "response",
    [
        SimpleNamespace(status_code="OK", headers={"X-Request-ID": 7}),
        SimpleNamespace(status_code=0, headers=[("a", "b")]),
    ],
)
def test_a_custom_client_may_answer_with_anything(response: object) -> None:
    """A sample that run.json could not hold would cost the run its verdict."""
    assert counted(ValueError(), response).sample == ErrorSample()


class SilentError(Exception):
    """Its text cannot be read."""

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("exception", "shown"),
    [("a text", "a text"), (SilentError(), "SilentError()"), (ValueError("\ud83d"), r"ValueError('\ud83d')")],
)
def test_any_exception_has_a_text(exception: object, shown: str) -> None:
    """Half a surrogate could not be sent; the repr of a string escapes it."""
    assert counted(exception).error == shown
    counted(exception).error.encode()


def test_a_long_answer_is_cut_and_a_stream_is_left_to_its_user() -> None:
    stream = SimpleNamespace(status_code=500, headers={}, _content=False)
    for response, body in (
        (answered(500, "ä".encode() * 900, "1"), "ä" * 500),
        (answered(500, "😀".encode() * 900, "1"), "😀" * 500),
        (stream, None),
    ):
        sample = counted(ValueError(), response).sample
        assert sample is not None
        assert sample.body == body


def test_errors_without_end_leave_an_end_of_samples() -> None:
    worker = Errors()
    for number in range(2 * MAX_SAMPLES):
        worker.count("GET", f"/{number}", ValueError(), None)
    rows = handed_over(worker)["stampede_errors"]
    assert sum(row[-1] is not None for row in rows) == MAX_SAMPLES


def test_errors_beyond_the_limit_are_counted_together() -> None:
    """Those of their route."""
    total, worker = Errors(), Errors()
    for number in range(MAX_ERRORS + 7):
        worker.count("GET", f"/{number % 100}", ValueError(number), None)
    total.add(handed_over(worker))
    errors = total.facts()
    assert sum(error.occurrences for error in errors) == MAX_ERRORS + 7
    assert sum(error.occurrences for error in errors if error.error == OTHERS) == 7


def test_a_route_with_errors_without_end_leaves_room_for_others() -> None:
    """Its API may give each answer another reason phrase."""
    total = Errors()
    for _report in range(3):
        worker = Errors()
        for number in range(5000):
            worker.count("GET", "/reasons", ValueError(number), None)
        worker.count("POST", "/orders/", ValueError("x"), None)
        total.add(handed_over(worker))
    errors = {(error.name, error.error): error.occurrences for error in total.facts()}
    assert errors["/orders/", "ValueError('x')"] == 3
    assert errors["/reasons", "ValueError(0)"] == 3
    assert errors["/reasons", OTHERS] == 3 * (5000 - MAX_ERRORS_OF_ROUTE)
    assert len(errors) == 1 + MAX_ERRORS_OF_ROUTE + 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a" * 100_000),
        CatchResponseError("GET /: " + "a" * 100_000),
        HTTPError("500 Server Error: " + "a" * 100_000),
        "a" * 100_000,
        ValueError("a" * 100_000, "b" * 100_000),
    ],
)
def test_a_long_text_is_cut(error: object) -> None:
    text = counted(error).error
    assert len(text) <= LONGEST_ERROR
    assert "a…" in text
    if isinstance(error, Exception) and len(error.args) == 1:
        assert text.startswith(type(error).__name__)
        assert text.endswith("…')")


def test_a_long_id_of_a_request_is_cut() -> None:
    sample = counted(ValueError(), answered(500, b"", "a" * 6000)).sample
    assert sample is not None
    assert sample.request_id == "a" * (LONGEST_REQUEST_ID - 1) + "…"


def test_the_times_of_an_error_are_those_of_its_first_and_last_occurrence() -> None:
    """Whichever worker reports first."""
    total = Errors()
    for first_at, last_at in ((20.0, 30.0), (10.0, 40.0), (15.0, 25.0)):
        total.add({"stampede_errors": [("GET", "/", "ValueError()", 1, first_at, last_at, None)]})
    (found,) = total.facts()
    assert (found.first_at, found.last_at, found.occurrences) == (10.0, 40.0, 3)


def test_a_known_error_is_counted_by_itself_beyond_the_limit() -> None:
    worker = Errors()
    for number in (*range(MAX_ERRORS), 0):
        worker.count("GET", f"/{number % 100}", ValueError(number), None)
    errors = {error.error: error.occurrences for error in worker.facts()}
    assert errors["ValueError(0)"] == 2
    assert OTHERS not in errors

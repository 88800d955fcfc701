"""How requests, exceptions and the totals of a trial are printed."""

from __future__ import annotations

from typing import Any

import pytest
from locust.exception import CatchResponseError

from stampede.cluster.user_patches import CutOffError
from stampede.trial.printer import Printer, Totals


class _Response:
    def __init__(self, status_code: Any, content: bytes | None = None) -> None:
        self.status_code = status_code
        self._content = content


class _Odd:
    """What a custom client may report: nothing of it can be read."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


@pytest.mark.parametrize(
    ("request_", "printed"),
    [
        (
            {"name": "/items", "response": _Response(200, b"[1]"), "url": "http://shop/items"},
            "  GET /items  200  12.3 ms\n    [1]\n",
        ),
        (
            {"name": "/items/{id}", "response": _Response(200), "url": "http://shop/items/17"},
            "  GET /items/{id}  (/items/17)  200  12.3 ms\n",
        ),
        (
            {"name": "/x", "response": _Response(0), "exception": ConnectionError("refused")},
            "  GET /x  no answer  12.3 ms\n    failed: ConnectionError('refused')\n",
        ),
        (
            {"name": "/x", "response": _Response(200, b"no"), "exception": CatchResponseError("too few")},
            "  GET /x  200  12.3 ms\n    failed: too few\n    no\n",
        ),
        (
            {"name": "/x", "response": None, "exception": CutOffError()},
            "  GET /x  12.3 ms\n    failed: no answer when its task was ended\n",
        ),
        ({"name": "publish", "response": "queued"}, "  GET publish  12.3 ms\n    queued\n"),
        ({"name": _Odd(), "response": _Odd(), "response_time": "?"}, "  GET <_Odd>  no time\n"),
        ({"name": "/\x1b[2J\n", "exception": ""}, "  GET /\\x1b[2J\\n  12.3 ms\n"),
    ],
)
def test_a_request_is_a_line_its_failure_and_its_body(
    capsys: pytest.CaptureFixture[str], request_: dict[str, Any], printed: str
) -> None:
    printer = Printer()
    printer.host = "http://shop"
    printer.request(request_type="GET", **{"response_time": 12.34, **request_})
    assert capsys.readouterr().out == printed
    assert printer.totals.failed == bool(request_.get("exception"))


def test_a_title_is_printed_when_there_is_something_below_it(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer()
    with printer.below("Visitor.on_start"):
        pass
    with printer.below("Visitor.Forum"):
        with printer.below("Visitor.Forum.read", at_once=True):
            pass
        printer.note("the rest is not run")
    assert capsys.readouterr().out == "\nVisitor.Forum.read\n\nVisitor.Forum\n  the rest is not run\n"


def test_an_exception_is_printed_with_its_place_in_the_locustfile(capsys: pytest.CaptureFixture[str]) -> None:
    printer = Printer(["s3cret"])
    try:
        int("s3cret\n")
    except ValueError as error:
        printer.exception(error)
        raised_at = error.__traceback__ and error.__traceback__.tb_lineno
    line = capsys.readouterr().out
    assert line.startswith(f"  exception at test_printer.py:{raised_at} in test_an_exception_is")
    assert "s3cret" not in line
    assert line.endswith(r"base 10: '***\n'" + "\n")


@pytest.mark.parametrize(
    ("totals", "text", "is_good"),
    [
        (Totals(tasks=1, requests=1), "1 task, 1 request, 0 failed", True),
        (Totals(tasks=5, requests=7, failed=1), "5 tasks, 7 requests, 1 failed", False),
        (Totals(exceptions=1), "0 tasks, 0 requests, 0 failed, 1 exception", False),
        (
            Totals(not_finished=1, unreported=2),
            "0 tasks, 0 requests, 0 failed, 1 not finished, 2 never reported",
            False,
        ),
    ],
)
def test_the_last_line_counts_what_has_failed(totals: Totals, text: str, is_good: bool) -> None:
    assert (str(totals), totals.is_good) == (text, is_good)

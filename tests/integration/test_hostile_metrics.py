"""An API that answers nonsense to our own requests neither blocks the master nor decides the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

import gevent
import pytest
from msgspec.structs import replace

from stampede.audit import shop_summary
from stampede.facts import run_json
from stampede.facts.event import Event
from stampede.facts.run_json import ApiCounts
from stampede.facts.verdict_json import Verdict
from stampede.plan.probe import why_silent
from stampede.sampling import api_metrics, api_version, counters, target_client
from stampede.sampling.counters import Counters
from stampede.sampling.target_client import TooLongError
from stampede.verdict.requests_counted import all_requests_counted
from tests import hostile
from tests.facts import facts
from tests.hostile import HostileApi, metrics

COUNT = 'http_requests_total{method="GET",route="/",status="200"}'

ENDLESS = [name for name in hostile.ANSWERS if name.startswith("endless")]
BROKEN = [
    *("status-0", "status-99999", "not-http", "two-lengths", "bad-length", "huge-length", "bad-chunk"),
    *("cut-chunk", "nul-header", "hang-up", "latin", "unknown-encoding", "bad-gzip", "large-head", "wild"),
]


@pytest.fixture
def api() -> Iterator[HostileApi]:
    with hostile.serving() as served:
        yield served


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "INTERVAL", 0.1)


def counted(api: HostileApi, *answers: hostile.Answer) -> tuple[ApiCounts | None, list[Event]]:
    """The counts of a run in which /metrics had these answers, one after the other; and the run's events."""
    events: list[Event] = []
    api.answers["metrics"] = answers[0]
    watch = Counters(api.url, events)
    watch.start()
    assert watch.has_polled.wait(20)
    for answer in answers:
        api.answers["metrics"] = answer
        polls = watch._polls
        with gevent.Timeout(20):
            while watch._polls <= polls + 1:
                gevent.sleep(0.01)
    return watch.stop(), events


def judged(counts: ApiCounts | None) -> tuple[Verdict, str]:
    """The check of a run whose users had 5 answers."""
    check = all_requests_counted(replace(facts(outcomes={"GET /": {"200": 5}}), counters=counts))
    return check.verdict, check.detail


@contextmanager
def steps_of_another_greenlet() -> Iterator[list[int]]:
    """A list that grows each time another greenlet may run."""
    steps: list[int] = []

    def step() -> None:
        while True:
            gevent.sleep(0)
            steps.append(1)

    stepping = gevent.spawn(step)
    yield steps
    stepping.kill()


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_answer_ends(api: HostileApi, name: str) -> None:
    """Whether it never has a head, never ends its body, or goes on with what is after a body."""
    with pytest.raises(HTTPException):
        target_client.fetch(f"{api.url}/{name}", seconds=20, most_bytes=500_000)


def test_a_long_head_is_not_read(api: HostileApi) -> None:
    api.answers["long-head"] = hostile.answer(b"x", *(b"X-%d: %08000d" % (n, n) for n in range(50)))
    with pytest.raises(TooLongError, match="the head of the answer is longer than 65,536 bytes"):
        target_client.fetch(f"{api.url}/long-head", seconds=20, most_bytes=500_000)


def test_other_greenlets_run_while_an_answer_is_received() -> None:
    """Also one that is there already, so that no receiving waits."""
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs, steps_of_another_greenlet() as steps:
        size = 10 * target_client.BLOCK
        theirs.setsockopt(gevent.socket.SOL_SOCKET, gevent.socket.SO_SNDBUF, 2 * size)
        theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        steps.clear()
        assert len(target_client._receive(ours, "GET", size).body) == size
        assert len(steps) >= 10


def test_other_greenlets_run_while_an_answer_is_read() -> None:
    content = f"{COUNT} 5\n" * 2500
    with steps_of_another_greenlet() as steps:
        metrics = counters._in_pieces(api_metrics.read(content.encode(), 0.0))
        assert metrics.requests["GET", "/", "200"] == 12_500
        assert len(steps) > 5


def test_an_answer_that_drips_ends_when_its_time_is_over(api: HostileApi) -> None:
    """Each part comes in time: only the whole does not."""

    def drip(send: hostile.Send, _query: hostile.Query) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            send(b"x")
            gevent.sleep(0.01)

    api.answers["drip"] = drip
    with pytest.raises(TimeoutError, match="timed out"):
        target_client.fetch(f"{api.url}/drip", seconds=0.3, most_bytes=500_000)


def test_a_short_answer_is_read(api: HostileApi) -> None:
    answer = target_client.fetch(f"{api.url}/ok", seconds=20, most_bytes=2)
    assert (answer.status, bytes(answer.body), answer.headers["content-type"]) == (
        200,
        b"{}",
        "application/json",
    )


@pytest.mark.parametrize("name", [*ENDLESS, *BROKEN])
def test_a_host_that_answers_anything_is_there(api: HostileApi, name: str) -> None:
    """The probe of a host before a run: it is a HEAD, which has no body whatever the answer says."""
    api.heads = api.answers[name]
    assert why_silent(api.url) is None


@pytest.mark.parametrize("name", [*ENDLESS, *BROKEN, "deep", "nan", "gzip"])
def test_a_document_that_is_none_has_no_version(api: HostileApi, name: str) -> None:
    api.answers["openapi.json"] = api.answers[name]
    assert api_version.read(api.url) is None


@pytest.mark.parametrize("name", [*ENDLESS, *BROKEN, "gzip", "not-utf8-200"])
def test_an_answer_that_has_no_metrics_is_not_compared(api: HostileApi, name: str) -> None:
    """And is no reason to doubt the run."""
    counts, events = counted(api, api.answers[name])
    assert judged(counts)[0] is Verdict.NOT_ASKED
    assert events == []


@pytest.mark.parametrize(
    "text",
    [
        f"{COUNT} NaN\n",
        f"{COUNT} -5\n",
        f"{COUNT} 1e300\n",
        f"{COUNT} 5\n{COUNT.replace('200', '2xx')} 5\n",
        'http_requests_total{a="b"' + " " * 32_768 + "x\n",
        f"{COUNT} 5\n" * 9000,
        f"{COUNT} 5\n" + "# a comment\n" * 400_000,
    ],
)
def test_counts_that_are_not_possible_are_listed_and_not_compared(api: HostileApi, text: str) -> None:
    """Also if the run had begun with better ones."""
    for answers in ([metrics(text)], [metrics(f"{COUNT} 0\n"), metrics(text)]):
        counts, events = counted(api, *answers)
        verdict, detail = judged(counts)
        assert verdict is Verdict.NOT_ASKED
        assert detail.startswith("not checked: /metrics cannot be used: ")
        assert events == []


def test_counts_that_are_possible_again_are_compared(api: HostileApi) -> None:
    """What one answer lacked, the next one has: counts only grow."""
    counts, _ = counted(api, metrics(f"{COUNT} 7\n"), metrics(f"{COUNT} NaN\n"), metrics(f"{COUNT} 12\n"))
    assert counts is not None
    assert counts.api == {"GET /": {"200": 5}}
    assert judged(counts) == (Verdict.PASS, f"5 of 5; ignored: {COUNT} nan is not a number of requests")


def test_counters_with_other_names_in_each_answer_are_not_compared(api: HostileApi) -> None:
    """Each answer seems to be that of a new process: neither memory nor events may grow with them."""
    answers = [
        metrics("".join(f"{COUNT.replace('/', f'/{second}/{number}')} 1\n" for number in range(2000)))
        for second in range(4)
    ]
    counts, events = counted(api, *answers)
    verdict, detail = judged(counts)
    assert (verdict, events) == (Verdict.NOT_ASKED, [])
    assert detail == ("not checked: /metrics cannot be used: more than 3,000 samples, over all its restarts")


@pytest.mark.parametrize("start", [1.764e12, -1.0, float("nan"), float("inf")])
def test_a_start_that_is_not_possible_does_not_count_as_a_restart(api: HostileApi, start: float) -> None:
    """It changes each time: each time, all that was counted before would be added."""
    answers = [
        metrics(f"{COUNT} {number}\nprocess_start_time_seconds {start * (1 + number)}\n")
        for number in (0, 2, 4, 5)
    ]
    counts, events = counted(api, *answers)
    assert events == []
    verdict, detail = judged(counts)
    assert verdict is Verdict.PASS
    assert detail.startswith("5 of 5; ignored: process_start_time_seconds ")
    assert detail.endswith(" is not a time in the past")


def test_a_start_that_changes_without_a_restart_is_listed(api: HostileApi) -> None:
    answers = [
        metrics(f"{COUNT} {number}\nprocess_start_time_seconds {1000 + 100 * number}\n")
        for number in (0, 2, 4, 5)
    ]
    counts, events = counted(api, *answers)
    assert events == []
    ignored = "process_start_time_seconds changes without a restart"
    assert judged(counts) == (Verdict.PASS, f"5 of 5; ignored: {ignored}")


def test_gauges_that_are_not_possible_are_listed_and_lose_no_report(api: HostileApi) -> None:
    """JSON has no NaN."""
    text = "http_requests_in_flight NaN\ndatabase_connections +Inf\nprocess_resident_memory_bytes 1e8\n"
    counts, _ = counted(api, metrics(text))
    assert counts is not None
    assert counts.ignored == [
        "http_requests_in_flight nan is not possible",
        "database_connections inf is not possible",
    ]
    run_json.encoded(replace(facts(), counters=counts))
    verdict, detail = judged(counts)
    assert verdict is Verdict.NOT_ASKED
    assert "http_requests_in_flight nan is not possible" in detail


@pytest.mark.parametrize(
    "name", [*ENDLESS, *BROKEN, "deep", "many-digits", "not-utf8-200", "hosts", "reasons"]
)
def test_a_summary_that_is_none_is_not_audited(
    api: HostileApi, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no redirect is followed."""
    monkeypatch.setattr(shop_summary, "TIMEOUT", 1)
    api.answers["summary"] = api.answers[name]
    errors = (OSError, HTTPException, ValueError, RecursionError, shop_summary.RefusedError)
    with pytest.raises(errors):
        shop_summary.ask(api.url)


def test_a_wrong_figure_is_cut(api: HostileApi) -> None:
    body = f'{{"orders": {{"total_orders": "{"9" * 9999}"}}}}'.encode()
    api.answers["summary"] = hostile.answer(body)
    counted = dict.fromkeys(shop_summary.COLUMNS.values(), 5)
    check = shop_summary.compare(shop_summary.ask(api.url), counted)
    assert all(len(finding["what"]) < 200 for finding in check.offenders.values())
    assert check.count == len(shop_summary.COLUMNS)

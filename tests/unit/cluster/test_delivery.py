"""A report counts once, however often it is sent, and in its own run only."""

from __future__ import annotations

from typing import Any

from stampede.cluster.delivery import KEPT_NUMBERS, KEY, Inbox, Loss, Numbers, Outbox


def report(requests: int = 0) -> dict[str, Any]:
    rows = [(0, "GET", "/", requests, 0, b"", b"", b"", b"", 0)]
    return {"stampede_latency": rows, "stampede_latency_after_stop": []}


def sent(outbox: Outbox, requests: int = 0) -> dict[str, Any]:
    kept = report(requests)
    outbox.keep(kept)
    return kept


def test_what_is_not_acknowledged_is_sent_again_until_it_is() -> None:
    outbox = Outbox()
    outbox.begin("run")
    first, second = sent(outbox), sent(outbox)
    assert outbox.take_overdue(0) == [first, second]
    outbox.acknowledge(first[KEY]["number"])
    assert outbox.take_overdue(0) == [second]
    assert outbox.take_overdue(60) == [], "it has just been sent again"
    assert not outbox.wait_until_empty(0)
    outbox.acknowledge(second[KEY]["number"])
    assert outbox.wait_until_empty(0)


def test_a_report_that_comes_twice_or_late_counts_once() -> None:
    outbox, inbox = Outbox(), Inbox()
    outbox.begin("run")
    inbox.begin("run")
    first, second = sent(outbox), sent(outbox)
    assert [inbox.accept("a", each) for each in (second, first, second, first)] == [True, True, False, False]
    assert inbox.accept("b", first), "another worker counts for itself"


def test_a_report_of_another_run_does_not_count() -> None:
    """A worker that was cut off may deliver it when the next run has begun."""
    outbox, inbox = Outbox(), Inbox()
    outbox.begin("former")
    inbox.begin("present")
    assert not inbox.accept("a", sent(outbox))


def test_a_report_between_two_runs_is_taken_if_it_counts_nothing() -> None:
    """It has no mark, so it could be counted twice."""
    assert Inbox().accept("a", report())
    assert not Inbox().accept("a", report(requests=1))


def test_a_report_has_the_workers_total_of_the_run() -> None:
    outbox = Outbox()
    outbox.begin("run")
    assert [sent(outbox, requests)[KEY]["requests"] for requests in (10, 0, 40)] == [10, 10, 50]
    outbox.begin("next")
    assert sent(outbox, 3)[KEY]["requests"] == 3


def test_what_a_lost_worker_may_have_done_is_twice_the_most_of_any() -> None:
    """Also where it died before it had reported a whole second."""
    outbox, newcomers, inbox = Outbox(), Outbox(), Inbox()
    for requests in (10, 40, 20):
        assert inbox.accept("a", sent(outbox, requests))
    assert inbox.accept("b", sent(newcomers, 3))
    loss = inbox.loss_of("a")
    assert loss.at_most == inbox.loss_of("b").at_most == 80
    assert loss.last_report is not None
    assert loss.last_report > 0
    assert inbox.loss_of("never") == Loss(last_report=None, at_most=80)
    inbox.begin("next")
    assert inbox.loss_of("a") == Loss(last_report=None, at_most=0)


def test_the_numbers_that_are_kept_have_a_limit() -> None:
    """In a run of days, too: each report still counts once."""
    numbers = Numbers()
    for number in range(1, 20_000):
        assert numbers.add(number)
        assert not numbers.add(max(1, number - 3))
    assert not any(numbers.add(number) for number in (1, 5_000, 19_999))
    assert len(numbers._newest) <= 2 * KEPT_NUMBERS


def test_a_report_that_was_overtaken_counts() -> None:
    numbers = Numbers()
    for number in (*range(1, 5_000), *range(5_001, 5_100)):
        assert numbers.add(number)
    assert numbers.add(5_000)
    assert not numbers.add(5_000)

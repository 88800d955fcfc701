"""The ledger: nothing that was sent is missing, whatever became of the worker that sent it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import gevent
import pytest

from stampede.audit.ledger import ACTS
from stampede.counting.ledger import Ledger
from stampede.counting.ledger_file import LedgerFile
from stampede.facts.event import Event


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.begin("run-1", "0-abcdef")
    return ledger


@pytest.fixture
def events() -> list[Event]:
    """Those of the run."""
    return []


@pytest.fixture
def file(tmp_path: Path, events: list[Event]) -> LedgerFile:
    return LedgerFile(tmp_path / "ledger.jsonl.gz", "run-1", {}, events)


def report(ledger: Ledger) -> dict[str, Any]:
    data: dict[str, Any] = {}
    ledger.hand_over(data)
    return data


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    with gzip.open(tmp_path / "ledger.jsonl.gz", "rt") as content:
        return [json.loads(line) for line in content]


def test_an_act_that_is_answered_between_two_reports_is_one_line(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """What was sent, when, what came back, when."""
    entry = ledger.attempt("order", key="k", product_id=3)
    ledger.settle(entry, "ok", status=201, order_id=17)
    file.add("host_1", report(ledger))
    file.close()
    only, _lost = lines(tmp_path)
    assert only["sent"] <= only["answered"]
    facts = {"worker": "0-abcdef", "n": 1, "act": "order", "key": "k", "product_id": 3, "order_id": 17}
    assert only.items() >= {**facts, "status": 201, "outcome": "ok"}.items()


def test_every_entry_of_a_worker_has_its_own_number(ledger: Ledger, file: LedgerFile, tmp_path: Path) -> None:
    """The audit takes two lines with the same number as one entry."""
    ledger.attempt("pay", order_id=17)
    ledger.event("depleted")
    ledger.attempt("pay", order_id=18)
    file.add("host_1", report(ledger))
    file.close()
    assert sorted(line["n"] for line in lines(tmp_path)[:3]) == [1, 2, 3]


def test_a_report_of_no_run_or_after_the_end_is_ignored(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """A late report finds the file closed."""
    file.add("host_1", report(Ledger()))
    assert file.close() == []
    ledger.attempt("pay", order_id=17)
    file.add("host_1", report(ledger))
    assert file.error is None
    assert lines(tmp_path) == []


def test_an_act_in_flight_is_there_before_its_answer_and_after(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """Open first, and only once; then what came of it."""
    entry = ledger.attempt("pay", order_id=17)
    file.add("host_1", report(ledger))
    file.add("host_1", report(ledger))
    ledger.settle(entry, "unknown", status=0)
    file.add("host_1", report(ledger))
    file.close()
    assert [(line["n"], line["outcome"]) for line in lines(tmp_path)[:2]] == [(1, "open"), (1, "unknown")]


def test_a_report_that_comes_late_says_nothing_that_a_later_one_says(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """The first got lost, the second came, the first comes again: each act stands there as it ended, once."""
    answered, done = ledger.attempt("pay", order_id=17), ledger.attempt("pay", order_id=18)
    waiting = ledger.attempt("pay", order_id=19)
    ledger.settle(done, "ok", status=200)
    lost = report(ledger)
    ledger.settle(answered, "ok", status=200)
    ledger.end()
    file.add("host_1", report(ledger))
    file.add("host_1", ledger.hand_over_again(lost))
    assert file.close() == [], "that it has ended holds too"
    assert {(line["order_id"], line["outcome"]) for line in lines(tmp_path)} == {
        (answered["order_id"], "ok"),
        (done["order_id"], "ok"),
        (waiting["order_id"], "open"),
    }
    assert len(lines(tmp_path)) == 3


def test_a_worker_that_never_reports_its_end_is_lost_and_named(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """By the label its keys carry, and by the name Locust has for it."""
    other = Ledger()
    other.begin("run-1", "1-bbbbbb")
    file.add("host_1", report(ledger))
    file.add("host_2", report(other))
    other.end()
    file.add("host_2", report(other))
    assert file.close() == ["host_1"]
    assert [(line["act"], line["worker"]) for line in lines(tmp_path)] == [("lost_worker", "0-abcdef")]


def test_what_belongs_to_another_run_is_left_out(ledger: Ledger, file: LedgerFile, tmp_path: Path) -> None:
    """A report of an idle worker still speaks of the run before."""
    ledger.begin("run-0", "0-abcdef")
    ledger.attempt("order")
    file.add("host_1", report(ledger))
    assert file.close() == []
    assert lines(tmp_path) == []


def test_what_was_written_can_be_read_although_the_file_was_never_closed(
    ledger: Ledger, file: LedgerFile, tmp_path: Path
) -> None:
    """As after a master that was killed."""
    ledger.attempt("order", key="k")
    file.add("host_1", report(ledger))
    path = tmp_path / "ledger.jsonl.gz"
    with gevent.Timeout(10):
        while path.stat().st_size <= len(gzip.compress(b"")):  # a thread writes it
            gevent.sleep(0.01)
    with gzip.open(path, "rt") as content:
        assert json.loads(content.readline())["key"] == "k"
    file.close()


def test_a_number_that_json_has_not_is_a_text(ledger: Ledger, file: LedgerFile, tmp_path: Path) -> None:
    """The API may answer with NaN, which Python reads: a line with it could not be read again."""
    entry = ledger.attempt("buy", seats=[1.5, float("nan")])
    ledger.settle(entry, "ok", ticket=float("inf"), more={"price": float("-inf"), "id": 10**30})
    file.add("host_1", report(ledger))
    file.close()
    content = gzip.decompress((tmp_path / "ledger.jsonl.gz").read_bytes()).decode()
    for constant in ("NaN", "Infinity"):
        assert constant not in content
    (line, *_) = lines(tmp_path)
    assert (line["seats"], line["ticket"], line["more"]) == (
        [1.5, "nan"],
        "inf",
        {"price": "-inf", "id": 10**30},
    )


def test_an_event_stands_in_the_file_and_among_the_events(
    ledger: Ledger, file: LedgerFile, events: list[Event], tmp_path: Path
) -> None:
    """With its time and its facts, without what only the file needs."""
    ledger.event("depleted", product_id=3)
    file.add("host_1", report(ledger))
    file.close()
    line = lines(tmp_path)[0]
    assert (line["act"], line["name"]) == ("event", "depleted")
    assert events == [Event(name="depleted", at=line["at"], facts={"product_id": 3})]


def test_a_worker_that_dies_before_its_first_report_is_lost_too(tmp_path: Path) -> None:
    """Who begins the run is expected to end it."""
    file = LedgerFile(tmp_path / "ledger.jsonl.gz", "run-1", {"0-abcdef": "host_1"}, [])
    assert file.close() == ["host_1"]


def test_a_worker_that_leaves_before_its_first_report_is_not_lost(ledger: Ledger, tmp_path: Path) -> None:
    """It was scaled away before it was told to do anything; of one that has begun the end is missing."""
    begun = {"0-abcdef": "host_1", "1-bbbbbb": "host_2"}
    file = LedgerFile(tmp_path / "ledger.jsonl.gz", "run-1", begun, [])
    file.add("host_1", report(ledger))
    for worker in begun:
        file.worker_left(worker)
    assert file.close() == ["host_1"]


def test_a_worker_that_got_no_users_has_nothing_to_end(ledger: Ledger, tmp_path: Path) -> None:
    """The run was ended before: it is still there, and has reported nothing. One that is gone may be lost."""
    begun = {"0-a": "host_0", "1-b": "host_1", "2-c": "host_2"}
    file = LedgerFile(tmp_path / "ledger.jsonl.gz", "run-1", begun, [])
    file.add("host_1", report(ledger))
    file.never_began(["host_0", "host_1"])
    assert file.close() == ["host_1", "host_2"]


def test_a_ledger_that_cannot_be_written_is_noted(ledger: Ledger) -> None:
    """A full disk: the run goes on, and nobody is accused of what is missing."""
    full = LedgerFile(Path("/dev/full"), "run-1", {}, [])
    ledger.attempt("order", key="k")
    full.add("host_1", report(ledger))
    full.close()
    assert full.error
    assert full.error.strerror == "No space left on device"


def test_every_act_of_the_shop_is_audited() -> None:
    """What the audit does not know is left out, as somebody else's: none of ours may be."""
    named = set(re.findall(r'attempt\("(\w+)"', Path("load_tests/shop.py").read_text()))
    assert {"create", "change_order"} < named, "the pattern finds them"
    assert named | {"pay", "ship", "cancel", "delete"} == {"order", *ACTS.split()}

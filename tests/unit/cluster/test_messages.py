"""A message is read by itself: one that is wrong is dropped, and the next one is read."""

from __future__ import annotations

import logging
from typing import Any

import msgpack
import pytest
from locust.env import Environment

from stampede.cluster.clocks import ANSWER
from stampede.cluster.delivery import KEY
from stampede.cluster.messages import Reader, report_type
from stampede.counting import reports
from stampede.counting.counts import Counts
from stampede.counting.ledger import Ledger

WORKER = "host_1"


@pytest.fixture
def reader() -> Reader:
    return Reader({"stats": report_type(reports.PARTS)})


@pytest.fixture
def dropped(reader: Reader) -> list[tuple[str, str]]:
    noted: list[tuple[str, str]] = []
    reader.on_drop = lambda *what: noted.append(what)
    return noted


def frames(kind: Any, data: Any, node_id: Any = WORKER, sender: str = WORKER) -> list[bytes]:
    return [sender.encode(), msgpack.packb((kind, data, node_id))]


def report(**changes: Any) -> dict[str, Any]:
    """A report as a worker makes it, of one request and one that failed."""
    environment = Environment()
    counts, ledger = Counts(), Ledger()
    for failure in (None, ValueError("no")):
        environment.stats.log_request("GET", "/", 7, 2)
        counts.count("GET", "/", 7.0, failure)
    environment.stats.log_error("GET", "/", ValueError("no"))
    made: dict[str, Any] = {"user_count": 1, "user_classes_count": {"Shopper": 1}}
    environment.events.report_to_master.fire(client_id=WORKER, data=made)
    for part in (counts, ledger):
        part.hand_over(made)
    made |= {
        "stats": environment.stats.serialize_stats(),
        "stats_total": environment.stats.total.get_stripped_report(),
        "errors": environment.stats.serialize_errors(),
        KEY: {"run": "run", "number": 1, "requests": 2},
    }
    return {**made, **changes}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("stats", report()),
        ("stats", report(own_figure=7)),  # a locustfile's
        ("heartbeat", {"state": "running", "current_cpu_usage": 3.5, "current_memory_usage": 0}),
        ("spawning_complete", {"user_classes_count": {"Shopper": 1}, "user_count": 1}),
        ("spawning", None),
        ("quit", None),
        ("logs", {"worker_id": WORKER, "logs": ["a line"]}),
        (ANSWER, {"asked": 1.5, "received": 1.6, "replied": 1.7}),
        ("of_a_locustfile", [{"any": "thing"}]),
    ],
)
def test_a_message_of_a_worker_is_read(reader: Reader, dropped: list[Any], kind: str, data: Any) -> None:
    read = reader.read(frames(kind, data))
    assert read is not None, dropped
    sender, message = read
    assert (sender, message.type, message.node_id) == (WORKER, kind, WORKER)
    assert msgpack.packb(message.data) == msgpack.packb(data)


def without(part: str) -> dict[str, Any]:
    return {name: value for name, value in report().items() if name != part}


ROW = report()["stampede_latency"][0]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        [b"alone"],
        [b"host_1", b"", b"three"],
        [b"host_1", b"\xc1garbage"],
        [b"host_1", b"\x93"],
        [b"host_1", b"\x91" * 2000 + b"\xc0"],
        [b"host_1", msgpack.packb(5)],
        [b"host_1", msgpack.packb(("stats", None))],
        [b"\xff\xfe", msgpack.packb(("quit", None, "host_1"))],
        frames(["x"], None),
        frames(None, None),
        frames("quit", None, node_id=None),
        frames("quit", None, sender="host_2"),
        frames("quit", {"now": True}),
        frames("heartbeat", None),
        frames("heartbeat", {"state": "ready"}),
        frames("heartbeat", {"state": "odd", "current_cpu_usage": 0, "current_memory_usage": 0}),
        frames("heartbeat", {"state": "ready", "current_cpu_usage": "x", "current_memory_usage": 0}),
        frames("heartbeat", {"state": "ready", "current_cpu_usage": float("nan"), "current_memory_usage": 0}),
        frames("spawning_complete", {"user_classes_count": {"Shopper": -1}, "user_count": 1}),
        frames("logs", {"worker_id": WORKER, "logs": "a line"}),
        frames("exception", None),
        frames(ANSWER, {"asked": "x"}),
        frames("stats", None),
        frames("stats", []),
        frames("stats", {"__datetime__": True}),
        *(frames("stats", without(part)) for part in report() if part != KEY),
        frames("stats", report(**{KEY: 5})),
        frames("stats", report(**{KEY: {"run": "run", "number": 1}})),
        frames("stats", report(**{KEY: {"run": "run", "number": -1, "requests": 1}})),
        frames("stats", report(user_count=float("inf"))),
        frames("stats", report(stats=[{"name": "/"}])),
        frames("stats", report(stampede_latency=[(0, "GET", "/", 1)])),
        frames("stats", report(stampede_latency=[[2**40, *ROW[1:]]])),
        frames("stats", report(stampede_latency=[[*ROW[:3], -1, *ROW[4:]]])),
        frames("stats", report(stampede_latency=[[*ROW[:4], 99, *ROW[5:]]])),
        frames("stats", report(stampede_latency=[[*ROW[:5], b"\x00" * 3, *ROW[6:]]])),
        frames("stats", report(stampede_latency=[[*ROW[:5], b"\x00" * 30, *ROW[6:]]])),
        frames("stats", report(stampede_outcomes={})),
        frames("stats", report(stampede_ledger={**report()["stampede_ledger"], "settled": [{}]})),
    ],
)
def test_what_cannot_be_read_is_dropped(reader: Reader, dropped: list[Any], wrong: list[bytes]) -> None:
    assert reader.read(wrong) is None
    assert len(dropped) == 1
    assert reader.read(frames("quit", None)) is not None, "the next one is read"


def test_the_first_message_of_each_sender_is_logged(
    reader: Reader, dropped: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """All are counted. A sender is shown in one line, whatever its name is."""
    with caplog.at_level(logging.WARNING):
        for sender in ("host_1", "host_1", "a\nb\x1b[31m"):
            reader.read(frames("heartbeat", None, sender, sender))
    assert [name for name, _ in dropped] == ["host_1", "host_1", "a\nb\x1b[31m"]
    assert [record.getMessage() for record in caplog.records] == [
        "stampede: a message of 'host_1' was dropped: heartbeat: Expected `object`, got `null`",
        r"stampede: a message of 'a\nb\x1b[31m' was dropped: heartbeat: Expected `object`, got `null`",
    ]

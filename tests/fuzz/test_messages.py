"""Whatever a worker sends, its message is read or dropped; what is read, the master can count."""

from __future__ import annotations

import copy
from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st
from locust.rpc import Message
from locust.stats import RequestStats, StatsEntry

from stampede.cluster.clocks import ANSWER
from stampede.cluster.messages import RaceReply, Reader, report_type
from stampede.counting import reports
from stampede.counting.counts import Counts
from stampede.race.rounds import REPLY
from stampede.sampling import sampler
from stampede.sampling.sampler import OwnSamples
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import JUST_JSON, mutated
from tests.unit.cluster.test_messages import WORKER, frames, report


def whole_report() -> dict[str, Any]:
    """Return a report as a worker of the cluster makes it, of the machine's figures too."""
    made = report()
    OwnSamples(lambda: True).hand_over(made)
    return made


RIGHT: dict[str, Any] = {
    "stats": whole_report(),
    "heartbeat": {"state": "running", "current_cpu_usage": 3.5, "current_memory_usage": 7},
    "spawning_complete": {"user_classes_count": {"Shopper": 1}, "user_count": 1},
    "client_ready": {"locust": "2.47.0", "stampede": "0.1.0", "locustfile": "a" * 64},
    "logs": {"worker_id": WORKER, "logs": ["a line"]},
    "exception": {"msg": "no", "traceback": "File"},
    ANSWER: {"asked": 1.5, "received": 1.6, "replied": 1.7},
    REPLY: {"act": "fire", "user_class": "Racer", "heat": "1", "asked": 1.5, "received": 1.6, "replied": 1.7},
}

VALUES = st.one_of(
    JUST_JSON,
    st.sampled_from((float("nan"), float("inf"), b"\xff\xfe", b"\x00" * 8, {1: 2}, {b"\xff": 0})),
    st.binary(max_size=20),
)


def read(sent: list[bytes]) -> Message | None:
    """Read frames as a master does, and count what they report. Only a dropped message may result."""
    dropped: list[str] = []
    reader = Reader(
        {"stats": report_type({**reports.PARTS, sampler.KEY: sampler.OwnReport}), REPLY: RaceReply}
    )
    reader.on_drop = lambda _sender, reason: dropped.append(reason)
    with case("messages to the master"):
        heard = reader.read(sent)
        assert len(dropped) == (heard is None)
        return heard[1] if heard else None


@length()
@given(
    st.one_of(
        st.lists(st.binary(max_size=100), max_size=4),
        st.tuples(st.just(b"host_1"), st.binary(max_size=100)).map(list),
        st.binary(max_size=200).map(lambda data: [b"host_1", b"\x93\xa5stats" + data]),
    )
)
def test_any_bytes_are_read_or_dropped(sent: list[bytes]) -> None:
    read(sent)


@length()
@given(st.sampled_from(sorted(RIGHT)), st.data())
def test_a_message_that_is_almost_right_is_read_or_dropped(kind: str, data: st.DataObject) -> None:
    count(kind, read(frames(kind, data.draw(mutated(RIGHT[kind], VALUES)))))


@length()
@given(mutated(RIGHT["stats"], changes=("alike", "repeat")))
def test_a_report_with_other_figures_is_read_or_dropped(content: Any) -> None:
    count("stats", read(frames("stats", content)))


@length()
@given(st.data())
def test_a_message_with_other_bytes_is_read_or_dropped(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(RIGHT)))
    packed = bytearray(msgpack.packb((kind, RIGHT[kind], WORKER)))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    count(kind, read([WORKER.encode(), bytes(packed)]))


def count(kind: str, message: Message | None) -> None:
    """Add a report that was read to the counts and to Locust's statistics, as the master does."""
    if message is None or message.type != "stats" or kind != "stats":
        return
    counts, statistics = Counts(), RequestStats()
    with case("reports that were read"):
        for _ in range(2):
            counts.add(copy.deepcopy(message.data))
        for entry in message.data["stats"]:
            statistics.get(entry["name"], entry["method"]).extend(StatsEntry.unserialize(entry, statistics))

"""Recorded reports: read from a file, and moved to the present."""

from __future__ import annotations

from pathlib import Path

from locust.rpc import Message

from bench.recorded import moved, reports_in

AT = 1_796_000_000.5


def test_reports_are_read_as_they_were_sent(tmp_path: Path) -> None:
    """The length is before each message. The first and the last one are of parts of a second."""
    file = tmp_path / "recording"
    sent = [
        Message("stats", {"user_count": number, "late": b"\x00\xff"}, "worker") for number in (0, 1, 2, 3)
    ]
    file.write_bytes(b"".join(len(each.serialize()).to_bytes(4, "big") + each.serialize() for each in sent))
    assert reports_in(file) == [
        {"user_count": 1, "late": b"\x00\xff"},
        {"user_count": 2, "late": b"\x00\xff"},
    ]


def test_times_are_moved_and_all_else_stays() -> None:
    """Seconds are keys, parts of rows and values; counts, texts and bytes are no times."""
    report = {
        "num_reqs_per_sec": {1_796_000_000: 7},
        "latency": [(1_796_000_001, "GET", "/a", 5, b"\x01")],
        "start_time": AT,
        "user_count": 12,
        "is_ready": True,
        "none": None,
    }
    assert moved(report, AT, 60) == {
        "num_reqs_per_sec": {1_796_000_060: 7},
        "latency": [[1_796_000_061, "GET", "/a", 5, b"\x01"]],
        "start_time": AT + 60,
        "user_count": 12,
        "is_ready": True,
        "none": None,
    }

"""Recorded reports of workers: read from a file, and moved to the present. Pure, but for the file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from locust.rpc import Message

NEAR = 1000.0
"""Seconds: a number so near to the time of the recording is a time."""


def reports_in(file: Path) -> list[dict[str, Any]]:
    """Return the reports in a recording, without the first and the last: their seconds are not whole."""
    content, reports, at = file.read_bytes(), [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        reports.append(Message.unserialize(content[at + 4 : at + 4 + length]).data)
        at += 4 + length
    return reports[1:-1]


def moved(value: Any, recorded_at: float, seconds: int) -> Any:
    """Return a copy of a report in which all times are so many seconds later."""
    match value:
        case dict():
            return {
                moved(name, recorded_at, seconds): moved(part, recorded_at, seconds)
                for name, part in value.items()
            }
        case list() | tuple():
            return [moved(part, recorded_at, seconds) for part in value]
        case int() | float() if abs(value - recorded_at) < NEAR:
            return value + seconds
        case _:
            return value


class Recording:
    """The reports of a worker, which become reports of the present second."""

    def __init__(self, reports: Sequence[dict[str, Any]]) -> None:
        self._reports = reports
        self._moved: dict[int, tuple[int, dict[str, Any]]] = {}
        """The reports as they were last moved, with the number of seconds."""

    def now(self, number: int) -> dict[str, Any]:
        """Return a report of the last second. All workers share it: moving it takes a millisecond."""
        place = number % len(self._reports)
        report = self._reports[place]
        at = max(second for second, *_ in report["stampede_latency"])
        seconds = int(time.time()) - 1 - at
        known = self._moved.get(place)
        if known is None or known[0] != seconds:
            known = self._moved[place] = seconds, moved(report, at, seconds)
        return known[1]

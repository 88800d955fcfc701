"""What workers have counted, made up second by second, as the master has added it up."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from stampede.counting.counts import Counts
from stampede.counting.latency import Latencies
from stampede.counting.ledger import Ledger
from stampede.counting.request import Request
from stampede.sampling import sampler


def set_clock(monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """Count requests by this clock: an object with a function `time`."""
    for module in ("request", "latency", "outcomes"):
        monkeypatch.setattr(f"stampede.counting.{module}.time", clock)


def latencies(*requests: tuple[float, str, str, float, Exception | None]) -> Latencies:
    """Requests as workers count them: the time of the answer, method, name, ms, and exception."""
    made = Latencies()
    for at, method, name, milliseconds, exception in requests:
        with patch("stampede.counting.request.time", SimpleNamespace(time=lambda at=at: at)):
            made.count(Request((method, name), milliseconds, exception))
    return made


def empty_report() -> dict[str, Any]:
    """What a worker reports that has done nothing."""
    report: dict[str, Any] = {}
    for part in (Counts(), Ledger()):
        part.hand_over(report)
    return {**report, sampler.KEY: {"rows": [], "machine": None}}


class Shop:
    """Routes that were asked, each answer in its second."""

    def __init__(self) -> None:
        self.counts = Counts()

    def answers(
        self, seconds: Iterable[int], route: str, times: Iterable[float], status: int = 200, **request: Any
    ) -> None:
        """In each of these seconds so many requests to `POST /orders/` took so many ms."""
        method, _, name = route.partition(" ")
        answer = SimpleNamespace(status_code=status)
        exception = None if status < 500 else ValueError(str(status))
        for second in seconds:
            clock = SimpleNamespace(time=lambda second=second: second + 0.5)
            with patch("stampede.counting.request.time", clock):
                for time in times:
                    self.counts.count(
                        **{"request_type": method, "name": name, "response_time": time, "response": answer},
                        **{"exception": exception, **request},
                    )

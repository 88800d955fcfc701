"""The types of a worker's counts in its report, by which the master checks what it receives.

Each part of the counts has its key in a report: `PARTS` has the type of each. A part that is missing, or
has another type, makes the report unreadable: nothing of it is counted.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from stampede.counting import ended_users, errors, exceptions, latency, ledger, outcomes, unreported
from stampede.facts.run_json import ErrorSample

Count = Annotated[int, Meta(ge=0, le=2**53)]
Second = Annotated[int, Meta(ge=0, le=2**33)]
"""Seconds since the epoch."""
Moment = Annotated[float, Meta(ge=0, le=2**33)]


class TimesOfRoute(Struct, array_like=True, frozen=True):
    """The requests of one route in one second: a row of `Latencies`. Times are packed, two bytes each."""

    second: Second
    method: str
    name: str
    requests: Count
    failures: Count
    times: bytes
    from_start: bytes
    late: bytes
    failed: bytes
    unanswered: Count

    def __post_init__(self) -> None:
        """Raise ValueError for figures that contradict each other."""
        answered = self.requests - self.unanswered
        numbers = [len(packed) / 2 for packed in (self.times, self.from_start, self.late, self.failed)]
        most = answered, answered, self.requests, self.failures
        if self.unanswered > self.failures or self.failures > self.requests:
            raise ValueError(
                f"{self.failures} of {self.requests} requests failed, {self.unanswered} unanswered"
            )
        if any(number % 1 or number > limit for number, limit in zip(numbers, most, strict=True)):
            raise ValueError("the number of times is not that of the requests")


StatusRows = list[tuple[Second, str, str, Count, Count]]
"""The second, the method, the name, the status, and how often it was the answer."""


class Statuses(Struct, frozen=True):
    """The answers by status, as `Outcomes` counts them."""

    counts: StatusRows
    after_stop: StatusRows
    refused_late: dict[int, Count]


class LedgerBatch(Struct, frozen=True):
    """The entries of a worker's ledger. What is in an entry, the audit reads."""

    run: str | None
    worker: str
    ended: bool
    settled: list[dict[str, Any]]
    open: list[dict[str, Any]]

    def __post_init__(self) -> None:
        """Raise ValueError for an entry that has no act."""
        if not all(isinstance(entry.get("act"), str) for entry in (*self.settled, *self.open)):
            raise ValueError("an entry of the ledger has no act")


PARTS: dict[str, Any] = {
    latency.KEY: list[TimesOfRoute],
    latency.AFTER_STOP: list[TimesOfRoute],
    outcomes.KEY: Statuses,
    errors.KEY: list[tuple[str, str, str, Count, Moment, Moment, ErrorSample | None]],
    exceptions.KEY: list[tuple[str, str, Count, str]],
    ended_users.KEY: list[tuple[Second, str, Count]],
    unreported.KEY: dict[str, Count],
    ledger.KEY: LedgerBatch,
}
"""The type of each part of a report, by its key."""

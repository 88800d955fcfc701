"""Events of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

OUT_OF_MEMORY = "out_of_memory"
"""The event of a run in which the kernel has killed a process of this machine for lack of memory."""


class Event(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One event of a run: its name, its time and its details."""

    name: str
    """``worker_lost``, ``api_restarted``, ``oversold`` and so on."""
    at: float
    """Seconds since the epoch."""
    worker: str | None = None
    """The label of the worker that the event is about."""
    id: str | None = None
    """Locust's name for that worker."""
    last_report: float | None = None
    """When a lost worker had last reported, in seconds since the epoch; None where it never had."""
    at_most: int | None = None
    """The most requests of a lost worker that can be missing, if it died after its last report."""
    address: str | None = None
    """The address of the API that the event is about."""
    last_look: float | None = None
    """When that address was last polled for its counters, in seconds since the epoch."""
    is_alarm: bool = False
    """Whether the audit reported the event while the run was in progress."""
    facts: dict[str, Any] = field(default_factory=dict)
    """All other details, as the audit or the users recorded them."""

    @property
    def moment(self) -> datetime:
        """Return the time of the event, in UTC."""
        return datetime.fromtimestamp(self.at, UTC)

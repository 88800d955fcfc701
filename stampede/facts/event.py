"""Something that happened in a run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field


class Event(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One event: what, when, and what is known of it."""

    name: str
    """``worker_lost``, ``api_restarted``, ``oversold`` and so on."""
    at: float
    """Seconds since the epoch."""
    worker: str | None = None
    """The label of the worker it is about."""
    id: str | None = None
    """Locust's name for that worker."""
    last_report: float | None = None
    """When a worker that was lost had last reported, in seconds since the epoch; None where it never had."""
    at_most: int | None = None
    """How many requests of a lost worker can be missing, if it died after its last report."""
    address: str | None = None
    """The address of the API it is about."""
    last_look: float | None = None
    """When that address was last asked for its counters, in seconds since the epoch."""
    is_alarm: bool = False
    """The audit reported it while the run went on."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Everything else: what the audit or the users have noted."""

    @property
    def moment(self) -> datetime:
        """Return when it was, in UTC."""
        return datetime.fromtimestamp(self.at, UTC)

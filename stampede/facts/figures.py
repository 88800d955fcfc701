"""Figures of requests in ``run.json``: of the window, of a stage, of a second. Times are in ms."""

from __future__ import annotations

from msgspec import Struct


class FromStart(Struct, kw_only=True, frozen=True):
    """Times from when a request was due, not from when it was sent: the waiting before is in them."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float


class Figures(Struct, kw_only=True, frozen=True):
    """Of some requests. A time is None where no request was answered."""

    requests: int
    failures: int
    avg_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    from_start: FromStart | None
    """None where the users had no pace."""


class RouteFigures(Figures, kw_only=True, frozen=True):
    """Of one route."""

    method: str
    name: str


class StageFigures(Figures, kw_only=True, frozen=True):
    """Of one stage, from when its users were there and what they met had settled."""

    users: int
    seconds: int
    rps: float
    """Requests per second, refused and failed ones too."""
    goodput: float
    """Answers below 500 per second."""
    refused: int
    """Answers that ask the user to come back later (503)."""
    refused_late: int
    """Of these, the answers that took longer than a second."""
    same_work_ms: float | None
    """How long the same piece of work took a core of the workers, on average: sampling/core_speed.py."""


class Window(Struct, kw_only=True, frozen=True):
    """The whole seconds from when all users were there to the stop.

    All figures but `rps` include what was sent in the window and answered after it.
    """

    start: int
    """Its first second, since the epoch."""
    end: int
    """The second after its last, since the epoch."""
    seconds: int
    rps: float
    """Requests per second."""
    total: Figures
    by_method: dict[str, Figures]
    routes: list[RouteFigures]


class Pace(Struct, kw_only=True, frozen=True):
    """What users should have sent in the window, and what they sent."""

    wanted_rps: float | None
    """Requests per second; None where no rate was asked for."""
    sent_rps: float | None
    late_p99_ms: float | None
    """How much later than due requests were sent: the 99th percentile."""
    waited_late: int
    """How many requests were sent 10 ms or more after they were due."""


class Second(Struct, kw_only=True, frozen=True):
    """One second of a run. A time is None where no request was answered in it."""

    second: int
    """Since the epoch."""
    users: int
    target_users: int
    workers: int
    requests: int
    failures: int
    outcomes: dict[str, int]
    """How many answers had which status; ``"0"`` is a request without a complete answer."""
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    from_start_p99_ms: float | None

"""Figures of requests in ``run.json``: for the window, a stage or a second. Times are in ms."""

from __future__ import annotations

from msgspec import Struct


class FromStart(Struct, kw_only=True, frozen=True):
    """Response times from when a request was due, not from when it was sent: they include its delay."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float


class Failed(Struct, kw_only=True, frozen=True):
    """The times of failed requests, with or without an answer. None where no failed request has a time."""

    unanswered: int
    """How many of them have no answer: they were refused, timed out, or were cut off at the stop."""
    avg_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Figures(Struct, kw_only=True, frozen=True):
    """Counts of some requests, and the response times of those that were answered.

    A request is unanswered if it failed and its response has no status. A time is None where no request was
    answered.
    """

    requests: int
    failures: int
    """Failed requests, with or without an answer."""
    avg_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    from_start: FromStart | None
    """None where the users had no pace."""
    failed: Failed | None
    """None where no request failed."""


class RouteFigures(Figures, kw_only=True, frozen=True):
    """Figures of one route."""

    method: str
    name: str


class StageFigures(Figures, kw_only=True, frozen=True):
    """Figures of one stage: from 5 s after all its users were running, until its end."""

    users: int
    seconds: int
    """Without seconds in which workers joined or left."""
    rps: float
    """Requests per second, including refused and failed ones."""
    goodput: float
    """Answers with a status below 500, per second."""
    refused: int
    """Answers that ask the user to come back later (503)."""
    refused_late: int
    """How many of the refusals took longer than a second."""
    same_work_ms: float | None
    """How long a core of the workers took for the same piece of work: sampling/core_speed.py. An average."""


class RouteOverTime(Struct, kw_only=True, frozen=True):
    """One route over time: each list has one entry for each step, but `distribution`."""

    method: str
    """Empty where this is all routes that have no series of their own."""
    name: str
    requests: list[int]
    failures: list[int]
    p50_ms: list[float | None]
    """Like all times, of answered requests; None where no request was answered."""
    p95_ms: list[float | None]
    p99_ms: list[float | None]
    distribution: list[int]
    """How many of the window's answered requests took up to each of `bounds_ms`, and more than the bound
    before it. The last entry has those that took longer than all bounds."""


class RoutesOverTime(Struct, kw_only=True, frozen=True):
    """The routes with the most requests over time, and all others together as one."""

    start: int
    """The first second, since the epoch."""
    step_s: int
    """Seconds of one entry: 1, or more in a long run of many routes, whose series would be too large."""
    bounds_ms: list[float]
    """The upper bounds of the distributions."""
    routes: list[RouteOverTime]


class Block(Struct, kw_only=True, frozen=True):
    """The figures of a part of the window: consecutive seconds, about as many in each block.

    How much they differ from block to block shows how much chance there is in a figure of the window.
    """

    start: int
    """The first second, since the epoch."""
    end: int
    """The second after the last one, since the epoch."""
    rps: float
    """Requests per second."""
    total: Figures
    by_method: dict[str, Figures]
    routes: list[RouteFigures]
    """Routes with at least 100 requests in the window."""


class Window(Struct, kw_only=True, frozen=True):
    """The whole seconds from when all users were running until the stop.

    All figures but `rps` include requests that were sent in the window and answered after it. A request that
    was sent after the stop is not in the window.
    """

    start: int
    """The first second, since the epoch."""
    end: int
    """The second after the last one, since the epoch."""
    seconds: int
    moving_seconds: int
    """How many of the seconds are not in the figures, as workers joined or left: stampede/verdict/moves.py.
    Where these are all seconds, the figures are of all."""
    rps: float
    """Requests per second."""
    total: Figures
    by_method: dict[str, Figures]
    routes: list[RouteFigures]
    blocks: list[Block] = []
    """The window in parts. Empty while the run is in progress, and in files of earlier versions."""


class Pace(Struct, kw_only=True, frozen=True):
    """The rate at which users should have sent requests in the window, and the rate at which they did."""

    wanted_rps: float | None
    """Requests per second; None where no rate was asked for."""
    sent_rps: float | None
    late_p99_ms: float | None
    """The 99th percentile of how much later than due requests were sent."""
    waited_late: int
    """How many requests were sent 10 ms or more after they were due."""


class Second(Struct, kw_only=True, frozen=True):
    """One second of a run. A time is None where no request was answered in it.

    In the older part of a long run a row is of several seconds with the same use: stampede/counting/steps.py.
    """

    second: int
    """Seconds since the epoch."""
    seconds: int = 1
    """How many seconds it is of: it is the first of them, and all counts are sums. The numbers of users are
    those of the second in which they were nearest to the wanted one; with `off_seconds`, farthest from it."""
    off_seconds: int = 0
    """Of several seconds: in how many the users were not the wanted ones, and nothing explains it."""
    unsampled_seconds: int = 0
    """Of several seconds: in how many not all workers sent samples, and nothing explains it."""
    users: int
    target_users: int
    planned_users: int
    """How many users the ramp to `target_users` had reached."""
    starting_users: int
    """How many of them the workers were still starting: a user's `__init__` may take long."""
    workers: int
    requests: int
    failures: int
    outcomes: dict[str, int]
    """Number of answers with each status; ``"0"`` is a request without a complete answer."""
    unanswered: int
    """How many of the failures have no answer."""
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    """The longest time of all requests, answered or not."""
    from_start_p99_ms: float | None

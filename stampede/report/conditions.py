"""Lists the conditions that two runs do not share. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import asdict

from stampede.facts.run_json import Facts
from stampede.report import formatting, series

WINDOW = "window, seconds"
WINDOW_TOLERANCE = 2
"""Seconds by which windows of the same plan may always differ."""

WINDOW_RATIO = 0.05
"""Share by which longer windows may differ."""

TARGETS = "targets"
"""They judge a run, and do not change its figures: runs with other targets can be compared."""

ROLES = ("api", "postgres", "master", "worker")
LIMITS = {"cpu_limit_cores": "CPU limit", "memory_limit_mb": "memory limit"}


class Condition(NamedTuple):
    """A condition that two runs do not share."""

    what: str
    of_a: str
    of_b: str

    @property
    def changes_figures(self) -> bool:
        """Return whether the figures of the runs may differ for this alone."""
        return self.what != TARGETS


def differing(a: Facts, b: Facts) -> list[Condition]:
    """Return the conditions that the runs do not share."""
    return [
        Condition(what, _text(of_a), _text(of_b))
        for (what, of_a), (_, of_b) in zip(_conditions(a), _conditions(b), strict=True)
        if not _is_alike(what, of_a, of_b)
    ]


def _is_alike(what: str, a: Any, b: Any) -> bool:
    """Return whether a condition is the same for both; windows may differ a little, as ramps do."""
    if what == WINDOW and None not in (a, b):
        return math.isclose(a, b, rel_tol=WINDOW_RATIO, abs_tol=WINDOW_TOLERANCE)
    return bool(a == b)


def _conditions(run: Facts) -> Iterator[tuple[str, Any]]:
    yield "profile", run.profile
    yield "users", run.users
    yield "kinds of user", run.user_classes
    yield "workers", run.workers
    yield "target", run.host
    yield "locustfile", run.locustfile
    yield "overload", run.overload
    yield TARGETS, [result.target.text for result in run.targets]
    yield "planned requests/s", run.pace and run.pace.wanted_rps
    yield WINDOW, run.window and run.window.seconds
    for name, value in asdict(run.machine).items():
        if name != "id":  # changes with each start of the machine
            yield f"machine: {formatting.title(name)}", value
    for role in ROLES:
        for figure, what in LIMITS.items():
            yield f"{what} of {role}", _limits(run, role, figure)
    yield "database connections of api", _connections(run)


def _limits(run: Facts, role: str, figure: str) -> list[float]:
    """Return the limits that the role's containers had; none without a container or a limit."""
    return sorted(
        {
            limit
            for sampled in series.roles(run)
            if sampled.key == role
            for limit in series.values(sampled.rows, figure)
        }
    )


def _connections(run: Facts) -> float | None:
    """Return the largest pool size of the run: that of all processes and threads of the API."""
    return max(series.values(run.samples.api, "pool_size"), default=None)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or formatting.NONE
    return formatting.NONE if value is None else str(value)

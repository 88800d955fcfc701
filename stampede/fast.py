"""FAST: were the targets met that were stated before? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stampede.check import FAIL, NOT_ASKED, UNKNOWN, Check, Facts, limit, none_of

LEAST_GOODPUT = 0.8
"""Share of the best stage's goodput that the stage with the most users must have."""

MOST_LATE_REFUSALS = 0.01
"""Share of the refusals that may have taken over a second: 2,000 users keep a generator busy too."""

SLOWEST_AFTER = 1.2
"""Times the p95 of before that is allowed after too much was asked for."""


def fast(run: Facts) -> list[Check]:
    failures, exceptions = run["failures"], sum(each["count"] for each in run["exceptions"])
    return [
        none_of("failures", failures, f"{failures} of {run['requests']} requests had no expected outcome"),
        none_of("exceptions", exceptions, f"{exceptions} in the users' own code"),
        *(_overload(run) if run.get("overload") else ()),
    ]


def _overload(run: Facts) -> list[Check]:
    """Who is asked for more than it can serve serves what it can, says so at once, and recovers."""
    stages = run["stages"]
    if len(stages) < 2 or max(stage["users"] for stage in stages) < run["users"]:
        detail = (
            "a stage has no figures: its users were not all there for long enough; more RUN_TIME may help"
        )
        return [{"name": "goodput_kept", "verdict": UNKNOWN, "detail": detail}]
    most = max(stage["goodput"] for stage in stages)
    kept = max(stages, key=lambda stage: int(stage["users"]))["goodput"]
    refused, late = (sum(stage[name] for stage in stages) for name in ("refused", "refused_late"))
    return [
        limit(
            "goodput_kept", 0 < LEAST_GOODPUT * most <= kept, f"{kept:.0f} of {most:.0f} requests/s served"
        ),
        limit(
            "refused_in_time",
            late <= MOST_LATE_REFUSALS * refused,
            f"{refused:,} told to come back later, {late:,} of them after more than a second",
        ),
        _recovered(stages[0], stages[-1]),
    ]


def _recovered(before: Mapping[str, Any], after: Mapping[str, Any]) -> Check:
    if before["users"] != after["users"]:
        return {"name": "recovered", "verdict": NOT_ASKED, "detail": "it does not end with as many users"}
    p95_before, p95_after = before.get("p95_ms"), after.get("p95_ms")
    if p95_before is None or p95_after is None:
        return {"name": "recovered", "verdict": FAIL, "detail": "nothing was answered"}
    detail = f"p95 {p95_before} ms before, {p95_after} ms after"
    return limit("recovered", p95_after <= SLOWEST_AFTER * p95_before, detail)

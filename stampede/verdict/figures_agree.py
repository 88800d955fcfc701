"""VALID: do the figures of a run agree with each other? Pure.

The same requests are added up in several ways: by worker, by status, by second. A report that was lost,
counted twice or changed on its way makes a difference, also where the API has no counters of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check
from stampede.verdict.checks import unknown_unless

NAME = "figures_agree"


def figures_agree(run: Facts) -> Check:
    """Return the check."""
    if problems := list(_differences(run)):
        return unknown_unless(NAME, False, "; ".join(problems), count=len(problems))
    return unknown_unless(
        NAME, True, f"{run.requests:,} requests by worker, by status and by second", count=0
    )


def _differences(run: Facts) -> Iterator[str]:
    for worker, reported in run.worker_requests.items():
        if reported.counted != reported.stated:
            yield f"worker {worker} reported {reported.stated:,} requests, {reported.counted:,} were counted"
    sums = {"statuses": sum(sum(statuses.values()) for statuses in run.outcomes.values())}
    if run.worker_requests:  # a run.json of an earlier version has none
        sums["workers"] = sum(requests.counted for requests in run.worker_requests.values())
    if not run.interrupted:  # a run that was written for the last time before its end has no seconds
        sums["seconds"] = sum(row.requests for row in run.seconds)
    for name, requests in sums.items():
        if requests != run.requests:
            yield f"the {name} add up to {requests:,} requests, the total is {run.requests:,}"
    if not run.interrupted and (failures := sum(row.failures for row in run.seconds)) != run.failures:
        yield f"the seconds add up to {failures:,} failures, the total is {run.failures:,}"

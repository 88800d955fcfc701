"""VALID: can the run itself be trusted? Pure.

A check that does not hold makes the run UNKNOWN: its figures are of something else than was meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stampede.facts.check import PASS, UNKNOWN, Check, Facts, held_to, not_asked, trusted
from stampede.verdict import kept_up
from stampede.verdict.losses import losses
from stampede.verdict.rate_reached import rate_reached
from stampede.verdict.requests_counted import all_requests_counted
from stampede.verdict.users_kept import users_kept

LEAST_OVERLAP = 0.5
"""Share of losers that must have met a winner: with fewer, a race was a queue."""


def valid(run: Facts) -> list[Check]:
    generator = [
        users_kept(run),
        kept_up.workers_on_time(run),
        kept_up.workers_had_cpu(run),
        kept_up.workers_got_cores(run),
        kept_up.workers_not_throttled(run),
    ]
    return [
        _came_to_its_end(run),
        _workers_reported(run),
        all_requests_counted(run),
        rate_reached(run, generator),
        *generator,
        kept_up.master_kept_up(run),
        kept_up.clocks_agree(run),
        _contention(run),
    ]


def _came_to_its_end(run: Facts) -> Check:
    """As planned; or a target that says so ended it, and fails: there is nothing unknown about that."""
    name = "came_to_its_end"
    if run.get("interrupted"):
        return trusted(name, False, "the master ended in the middle of it")
    if run.get("aborted"):
        return trusted(name, True, f"a target ended it: {run['aborted']}")
    if run["window"] is None:
        return trusted(name, False, "it was ended before all its users were there")
    if run["profile"] is not None and not run["as_planned"]:
        return trusted(name, False, "it was ended before its time")
    return trusted(name, True, f"a window of {run['window']['seconds']} s")


def _workers_reported(run: Facts) -> Check:
    """A worker that is lost in the middle of a run is known to be, and its users are others' then."""
    lost = run.get("lost_workers", [])
    noticed = losses(run)
    check = {"name": "workers_reported", "verdict": PASS, "count": len(lost)}
    if run.get("interrupted"):
        detail = "nobody was there to report to: the figures are those of the last seconds before"
        return {**check, "verdict": UNKNOWN, "detail": detail}
    if not lost:
        return {**check, "detail": f"all {run['workers']} to their end"}
    if set(lost) <= noticed.keys():
        return {**check, "detail": "; ".join(_lost(noticed[worker]) for worker in lost)}
    detail = f"lost {', '.join(lost)}: what was done since their last reports is not in the figures"
    return {**check, "verdict": UNKNOWN, "detail": detail}


def _lost(event: Mapping[str, Any]) -> str:
    """How much is missing, and when."""
    if event["last_report"] is None:
        return f"worker {event['id']} was lost before it reported anything"
    when = datetime.fromtimestamp(event["last_report"], UTC)
    return (
        f"worker {event['id']} was lost: what it did after its last report at {when:%H:%M:%S.%f}"
        f" is missing, at most {event['at_most']} requests if it died then"
    )


def _contention(run: Facts) -> Check:
    """A race in which nobody met anybody shows nothing."""
    losers = sum(race["losers"] for race in run.get("races", []))
    if not losers:
        return held_to(not_asked("contention", "nobody lost a race"), run.get("promises", {}))
    overlapped = sum(race["overlap"] * race["losers"] for race in run["races"] if race["losers"])
    share = overlapped / losers
    detail = f"{share:.0%} of {losers} losers in {len(run['races'])} races met a winner"
    return trusted("contention", share >= LEAST_OVERLAP, detail)

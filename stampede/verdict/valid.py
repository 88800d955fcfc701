"""VALID: can the run itself be trusted? Pure.

A check that does not hold makes the run UNKNOWN: its figures are of something else than was meant.
"""

from __future__ import annotations

from datetime import UTC, datetime

from stampede.facts.event import Event
from stampede.facts.run import Facts
from stampede.facts.verdict import Check
from stampede.verdict import kept_up
from stampede.verdict.checks import held_to, not_asked, trusted
from stampede.verdict.losses import losses
from stampede.verdict.rate_reached import rate_reached
from stampede.verdict.requests_counted import all_requests_counted
from stampede.verdict.users_kept import users_kept

LEAST_OVERLAP = 0.5
"""Share of losers that must have met a winner: with fewer, a race was a queue."""


def valid(run: Facts) -> list[Check]:
    """Return the checks of VALID. To add one, write a function from Facts to Check, and call it here."""
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
    if run.interrupted:
        return trusted(name, False, "the master ended in the middle of it")
    if run.aborted:
        return trusted(name, True, f"a target ended it: {run.aborted}")
    if run.window is None:
        return trusted(name, False, "it was ended before all its users were there")
    if run.profile is not None and not run.as_planned:
        return trusted(name, False, "it was ended before its time")
    return trusted(name, True, f"a window of {run.window.seconds} s")


def _workers_reported(run: Facts) -> Check:
    """A worker that is lost in the middle of a run is known to be, and its users are others' then."""
    name, lost, noticed = "workers_reported", run.lost_workers, losses(run)
    if run.interrupted:
        detail = "no master was there to report to: the figures are those of the last seconds before"
        return trusted(name, False, detail, count=len(lost))
    if not lost:
        return trusted(name, True, f"all {run.workers} to their end", count=0)
    if set(lost) <= noticed.keys():
        return trusted(name, True, "; ".join(_lost(noticed[worker]) for worker in lost), count=len(lost))
    detail = f"lost {', '.join(lost)}: what was done since their last reports is not in the figures"
    return trusted(name, False, detail, count=len(lost))


def _lost(event: Event) -> str:
    """How much is missing, and when."""
    if event.last_report is None:
        return f"worker {event.id} was lost before it reported anything"
    when = datetime.fromtimestamp(event.last_report, UTC)
    return (
        f"worker {event.id} was lost: what it did after its last report at {when:%H:%M:%S.%f}"
        f" is missing, at most {event.at_most} requests if it died then"
    )


def _contention(run: Facts) -> Check:
    """A race in which no racer met another shows nothing."""
    losers = sum(race.losers for race in run.races)
    if not losers:
        return held_to(not_asked("contention", "no one lost a race"), run.promises)
    overlapped = sum(race.overlap * race.losers for race in run.races if race.overlap is not None)
    share = overlapped / losers
    detail = f"{share:.0%} of {losers} losers in {len(run.races)} races met a winner"
    return trusted("contention", share >= LEAST_OVERLAP, detail)

"""VALID: can the run itself be trusted? Pure.

A check that does not hold makes the run UNKNOWN: its figures do not measure what they should.
"""

from __future__ import annotations

from datetime import UTC, datetime

from stampede.facts.event import Event
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check
from stampede.verdict import kept_up
from stampede.verdict.checks import not_asked, unknown_unless, with_promise
from stampede.verdict.figures_agree import figures_agree
from stampede.verdict.losses import killed_for_memory, losses
from stampede.verdict.rate_reached import rate_reached
from stampede.verdict.requests_counted import all_requests_counted
from stampede.verdict.users_kept import users_kept

PROMISABLE = {"contention"}
"""Checks that a user class can promise (`promises`), as it can promise checks of the audit."""

LEAST_OVERLAP = 0.5
"""Share of losers whose request must have overlapped a winner's: with fewer, the race was a queue."""


def valid(run: Facts) -> list[Check]:
    """Return the checks of VALID, in the order in which they are shown.

    To add a check, write a function from Facts to Check and call it here. A check of the generator belongs to
    `generator_checks`: where it does not hold, it explains a rate that was not reached. docs/valid.md lists
    the checks, and tests/prove/disturbed.py has a run for each that must not hold: tests/unit/test_prove.py
    asks for both.
    """
    generator_checks = [
        users_kept(run),
        kept_up.workers_on_time(run),
        kept_up.workers_had_cpu(run),
        kept_up.workers_got_cores(run),
        kept_up.workers_not_throttled(run),
    ]
    return [
        _came_to_its_end(run),
        _workers_reported(run),
        _messages_read(run),
        figures_agree(run),
        all_requests_counted(run),
        _all_responses_reported(run),
        rate_reached(run, generator_checks),
        *generator_checks,
        kept_up.master_kept_up(run),
        kept_up.clocks_agree(run),
        _contention(run),
    ]


def _came_to_its_end(run: Facts) -> Check:
    """Return the check of whether the run came to its end.

    A run that a target ended counts as well: that target fails, so nothing is unknown. So does a run that the
    locustfile ended: it controls its own load.
    """
    name = "came_to_its_end"
    if run.interrupted:
        return unknown_unless(name, False, "the master ended during the run")
    if run.aborted:
        return unknown_unless(name, True, f"a target ended the run: {run.aborted}")
    if run.stopped_by:
        seconds = f"a window of {run.window.seconds} s" if run.window else "no window"
        return unknown_unless(name, True, f"{seconds}: the locustfile ended it by {run.stopped_by}")
    if run.window is None:
        return unknown_unless(name, False, "the run was stopped before all its users had started")
    if failed := next((event for event in run.events if event.name == "shape_failed"), None):
        return unknown_unless(name, False, f"the shape could not be followed: {failed.facts['cause']}")
    if run.shape and not run.as_planned:  # it may have no end: then it is ended by hand
        return unknown_unless(name, True, f"a window of {run.window.seconds} s, ended by hand")
    if run.profile is not None and not run.as_planned:
        return unknown_unless(name, False, "the run was stopped before its planned end")
    return unknown_unless(name, True, f"a window of {run.window.seconds} s")


def _workers_reported(run: Facts) -> Check:
    """Return the check of whether all workers reported their last figures.

    A worker whose loss the master noticed during the run is excused: other workers took over its users.
    """
    name, lost, noticed_losses = "workers_reported", run.lost_workers, losses(run)
    if run.interrupted:
        detail = "the master was gone, so workers could not report: the figures end some seconds earlier"
        return unknown_unless(name, False, detail, count=len(lost))
    if not lost:
        return unknown_unless(name, True, f"{run.workers:,} of {run.workers:,}", count=0)
    if set(lost) <= noticed_losses.keys():
        detail = "; ".join(_loss_text(run, noticed_losses[worker]) for worker in lost)
        return unknown_unless(name, True, detail, count=len(lost))
    detail = f"lost {', '.join(lost)}: their requests since their last reports are not in the figures"
    detail += _killed_text(killed_for_memory(run, None))
    return unknown_unless(name, False, detail, count=len(lost))


def _messages_read(run: Facts) -> Check:
    """Return the check of whether the master could read all messages of the workers."""
    name, count = "messages_read", run.dropped_messages
    if not count:
        return unknown_unless(name, True, "the master read all messages of the workers", count=0)
    first = next(event for event in run.events if event.name == "message_dropped")
    detail = f"{count:,} dropped, the first one of worker {first.worker}: {first.facts['reason']}"
    return unknown_unless(name, False, detail, count=count)


def _loss_text(run: Facts, event: Event) -> str:
    """Return a description of a loss: from when on requests are missing, and how many at most; and why."""
    killed = _killed_text(killed_for_memory(run, event))
    if event.last_report is None:
        return f"worker {event.id} was lost before it reported anything{killed}"
    when = datetime.fromtimestamp(event.last_report, UTC)
    return (
        f"worker {event.id} was lost: what it did after its last report at {when:%H:%M:%S.%f}"
        f" is missing, at most {event.at_most} requests if it died then{killed}"
    )


def _killed_text(kill: Event | None) -> str:
    if kill is None:
        return ""
    when = datetime.fromtimestamp(kill.at, UTC)
    return (
        f". The kernel killed a process of this machine for lack of memory at {when:%H:%M:%S}"
        " (exit code 137): set a higher WORKER_MEMORY, or fewer users"
    )


def _all_responses_reported(run: Facts) -> Check:
    """Return the check of whether the locustfile reported each response that it asked to report itself."""
    name, count = "all_responses_reported", sum(run.unreported.values())
    if not count:
        return unknown_unless(name, True, "the locustfile reported all responses", count=0)
    routes = sorted(run.unreported, key=lambda route: -run.unreported[route])
    listed = ", ".join(f"{run.unreported[route]:,} × {route}" for route in routes[:3])
    more = f" and {len(routes) - 3} more routes" if len(routes) > 3 else ""
    why = "sent with catch_response=True and never reported (no `with`, or its block raised)"
    detail = f"{listed}{more}: {why}"
    return unknown_unless(name, False, detail, count=count)


def _contention(run: Facts) -> Check:
    """Return the check of whether enough losers met a winner: a race without contention proves nothing."""
    losers = sum(race.losers for race in run.races)
    if not losers:
        return with_promise(not_asked("contention", "no user lost a race"), run.promises)
    overlapped = sum(race.overlap * race.losers for race in run.races if race.overlap is not None)
    share = overlapped / losers
    detail = f"{share:.1%} of {losers} losers in {len(run.races)} races met a winner"
    return unknown_unless("contention", share >= LEAST_OVERLAP, detail)

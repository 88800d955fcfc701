"""VALID: did users send requests at the rate of the profile, and if not, why? Pure.

A user sends its next request when the previous one is answered. A slow API therefore gets fewer requests than
are due: that is the API's own fault, and the targets on rates and times judge it. A generator that was too
slow to send proves nothing about the API.
"""

from __future__ import annotations

from collections.abc import Iterable

from stampede.facts.figures import Figures
from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check, Verdict
from stampede.verdict.checks import measured, not_asked, unknown_unless

NAME = "rate_reached"

LEAST_SENT = 0.95
"""Share of the profile's rate that must be sent."""

LEAST_WAITING = 0.05
"""Share of the users that must wait for an answer, on average, for a low rate to be the API's fault."""

JUDGING = (("ms", "<"), ("/s", ">"))
"""Units and comparisons of targets that a slow API can miss: upper limits on times, lower limits on rates."""


def rate_reached(run: Facts, generator_checks: Iterable[Check]) -> Check:
    """Return the check, from the `pace` of the run and the checks of the generator."""
    if run.pace is None or run.pace.wanted_rps is None:
        return not_asked(NAME, "no rate was set: RATE, or a profile with a pace, sets one")
    wanted, sent = run.pace.wanted_rps, run.pace.sent_rps
    if sent is None:
        return not_asked(NAME, "no whole second was measured")
    figures = measured(sent, ">=", LEAST_SENT * wanted, "/s")
    detail = f"{sent:,.0f} of {wanted:,.0f} requests/s were sent"
    if sent >= LEAST_SENT * wanted:
        return unknown_unless(NAME, True, detail, **figures)
    behind = [check for check in generator_checks if check.verdict is Verdict.UNKNOWN]
    if behind:
        return unknown_unless(NAME, False, f"{detail}: see {behind[0].name}", **figures)
    waiting = _waiting(run, sent)
    if waiting is None or waiting < LEAST_WAITING * run.users:
        detail += ", and few users waited for answers: set more USERS"
        return unknown_unless(NAME, False, detail, **figures)
    detail += f": {waiting:,.0f} of {run.users:,} users waited for an answer; the API was the limit"
    if not _is_judged(run):
        return unknown_unless(
            NAME, False, f"{detail}, and no target on rates or times covers this", **figures
        )
    return unknown_unless(NAME, True, detail, **figures)


def _is_judged(run: Facts) -> bool:
    """Return whether the run has a target that a slow API misses."""
    return any(
        (result.target.unit, result.target.operator[0]) in JUDGING and not result.target.optional
        for result in run.targets
    )


def _waiting(run: Facts, sent: float) -> float | None:
    """Return how many users waited for an answer at a time, by Little's law; None where no time is known.

    Users also wait for an answer that never comes.
    """
    average = _average_wait(run.window.total) if run.window else None
    return None if average is None else sent * average / 1000


def _average_wait(total: Figures) -> float | None:
    """Return how long a request made its user wait on average, in ms, whether it was answered or not."""
    if total.failed is None or not total.failed.unanswered:
        return total.avg_ms
    if total.failed.avg_ms is None:
        return total.avg_ms
    unanswered = total.failed.unanswered / total.requests
    return (1 - unanswered) * (total.avg_ms or 0.0) + unanswered * total.failed.avg_ms

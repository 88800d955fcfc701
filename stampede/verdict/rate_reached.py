"""Was as much offered as the profile says? And where it was not, what was in the way? Pure.

A user sends its next request when the last is answered: an API that answers slowly is offered less, however
many are due. That is the API's own doing, and the targets on rates and times judge it. A generator that
could not send has shown nothing of the API.
"""

from __future__ import annotations

from collections.abc import Iterable

from stampede.facts.run import Facts
from stampede.facts.verdict import Check, Verdict
from stampede.verdict.checks import measured, not_asked, trusted

NAME = "rate_reached"

LEAST_SENT = 0.95
"""Share of the rate that was asked for."""

LEAST_WAITING = 0.05
"""Share of the users that wait for an answer, on average, where the API is what keeps them from sending."""

JUDGING = (("ms", "<"), ("/s", ">"))
"""Targets that a slow API can miss: times with an upper limit, rates with a lower one."""


def rate_reached(run: Facts, of_the_generator: Iterable[Check]) -> Check:
    """Return the check, from the `pace` of the run and the checks of whether the generator kept up."""
    if run.pace is None or run.pace.wanted_rps is None:
        return not_asked(NAME, "no rate was asked for: a profile with a pace does")
    wanted, sent = run.pace.wanted_rps, run.pace.sent_rps
    if sent is None:
        return not_asked(NAME, "no whole second was measured")
    figures = measured(sent, ">=", LEAST_SENT * wanted, "/s")
    detail = f"{sent:,.0f} of {wanted:,.0f} requests/s were sent"
    if sent >= LEAST_SENT * wanted:
        return trusted(NAME, True, detail, **figures)
    behind = [check for check in of_the_generator if check.verdict is Verdict.UNKNOWN]
    if behind:
        return trusted(NAME, False, f"{detail}: see {behind[0].name}", **figures)
    waiting = _waiting(run, sent)
    if waiting is None or waiting < LEAST_WAITING * run.users:
        detail += ", and users did not wait for answers: what kept them?"
        return trusted(NAME, False, detail, **figures)
    detail += f": {waiting:,.0f} of {run.users:,} users waited for an answer; the API took no more"
    if not _is_judged(run):
        return trusted(NAME, False, f"{detail}, and no target on rates or times judges that", **figures)
    return trusted(NAME, True, detail, **figures)


def _is_judged(run: Facts) -> bool:
    """Whether being slow can make the run fail."""
    return any(
        (each.target.unit, each.target.operator[0]) in JUDGING and not each.target.optional
        for each in run.targets
    )


def _waiting(run: Facts, sent: float) -> float | None:
    """How many users waited for an answer at a time, by Little's law; None where no time is known."""
    average = run.window.total.avg_ms if run.window else None
    return None if average is None else sent * average / 1000

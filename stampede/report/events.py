"""Which of a run's events are shown where there are too many: faults first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from stampede.facts.event import Event
from stampede.facts.run import Facts

USUAL = ("depleted", "restocked")
"""What happens all the time in a shop under load."""

Numbered = tuple[int, Event]
"""An event with its number in the list of all."""


def numbered(run: Facts) -> list[Numbered]:
    """Return the events of a run with their numbers, from 1 on."""
    return list(enumerate(run.events, start=1))


def most_telling(events: Iterable[Numbered], most: int) -> list[Numbered]:
    """Return at most so many, in their order: the usual ones fill what all others leave."""
    usual_last = sorted(events, key=lambda each: each[1].name in USUAL)
    return sorted(usual_last[:most], key=itemgetter(0))

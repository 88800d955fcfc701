"""Selects which events of a run are shown where there are too many: faults first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter

from stampede.facts.event import Event
from stampede.facts.run_json import Facts

USUAL = ("depleted", "restocked")
"""Events that happen all the time in a shop under load."""

Numbered = tuple[int, Event]
"""An event with its number in the list of all events."""


def numbered(run: Facts) -> list[Numbered]:
    """Return the events of a run with their numbers, from 1 on."""
    return list(enumerate(run.events, start=1))


def most_important(events: Iterable[Numbered], most: int) -> list[Numbered]:
    """Return `most` events at most, in their order: USUAL events only where others leave room."""
    usual_last = sorted(events, key=lambda numbered: numbered[1].name in USUAL)
    return sorted(usual_last[:most], key=itemgetter(0))

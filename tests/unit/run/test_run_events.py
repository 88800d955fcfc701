"""A long run has a limited number of events; what is left out is counted."""

from __future__ import annotations

import pytest

from stampede.facts.event import Event
from stampede.run.run_events import LONGEST_FACTS, MOST, MOST_NAMES, MOST_OF_OWN, OTHERS, RunEvents


@pytest.mark.parametrize(
    ("name", "most"), [("depleted", MOST), ("oversold", MOST), ("worker_lost", MOST_OF_OWN)]
)
def test_events_of_one_name_have_a_limit(name: str, most: int) -> None:
    """The first of them are kept. Those that the verdict rests on have a higher limit."""
    events = RunEvents()
    for at in range(most):
        events.append(Event(name=name, at=at))
    assert events.left_out == {}
    events.append(Event(name=name, at=most))
    events.extend([Event(name=name, at=most)])
    events += [Event(name=name, at=most)]
    assert [event.at for event in events] == [*range(most)]
    assert events.left_out == {name: 3}
    events.append(Event(name="api_restarted", at=1.0))
    assert events[-1].name == "api_restarted"


def test_names_have_a_limit() -> None:
    """A locustfile, and an audit of one's own, can give each event another name."""
    events = RunEvents()
    for number in range(10 * MOST_NAMES):
        events.append(Event(name=f"event {number}", at=number))
    assert len(events) == MOST_NAMES
    assert events.left_out == {OTHERS: 9 * MOST_NAMES}


def test_long_details_are_cut() -> None:
    events = RunEvents()
    events.append(Event(name="page", at=1.0, facts={"body": "é" * 1_000_000}))
    events.append(Event(name="page", at=1.0, facts={"body": "short"}))
    cut, whole = events
    assert 0 < len(cut.facts["cut"].encode()) <= LONGEST_FACTS
    assert whole.facts == {"body": "short"}

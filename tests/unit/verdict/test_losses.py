"""Which workers were lost for good, by the events of a run and by who never reported its end."""

from __future__ import annotations

import pytest

from stampede.facts.event import Event
from stampede.verdict.losses import killed_for_memory, losses
from tests.facts import facts

EARLY = Event(name="worker_lost", at=1010.0, id="a", last_report=1007.2)
BACK = Event(name="worker_returned", at=1020.0, id="a")
LATE = Event(name="worker_lost", at=1035.0, id="a", last_report=1031.9)
OTHER = Event(name="worker_lost", at=1010.0, id="b", last_report=1007.2)
SILENT = Event(name="worker_lost", at=1010.0, id="a", last_report=None)


@pytest.mark.parametrize(
    ("events", "lost_workers", "found"),
    [
        ([], [], {}),
        ([EARLY, OTHER], ["a", "b"], {"a": EARLY, "b": OTHER}),
        # it was cut off, and delivered everything when it was back
        ([EARLY, BACK], [], {}),
        # and then never reported its end: nobody saw it go
        ([EARLY, BACK], ["a"], {}),
        # or was seen to go again, of which the first time says nothing
        ([EARLY, BACK, LATE], ["a"], {"a": LATE}),
        ([EARLY, OTHER, BACK], ["b"], {"b": OTHER}),
        # back after the stop, when nobody notices: its end was reported
        ([EARLY], [], {}),
        # it died before it had reported anything, and may have been about to
        ([SILENT], [], {"a": SILENT}),
        # nobody saw it go
        ([], ["a"], {}),
    ],
)
def test_who_is_back_is_not_lost(
    events: list[Event], lost_workers: list[str], found: dict[str, Event]
) -> None:
    """Whatever happened to it before."""
    assert losses(facts(events=events, lost_workers=lost_workers)) == found


def kill(at: float) -> Event:
    return Event(name="out_of_memory", at=at, facts={"processes_killed": 1})


@pytest.mark.parametrize(
    ("at", "explains"), [(1000.0, False), (1006.5, True), (1008.0, True), (1010.5, True), (1012.0, False)]
)
def test_a_kill_explains_a_loss_that_it_comes_before(at: float, explains: bool) -> None:
    """After the worker's last report, or just before: each is a second apart."""
    run = facts(events=[kill(at), EARLY], lost_workers=["a"])
    assert (killed_for_memory(run, EARLY) is not None) is explains


def test_a_kill_explains_the_loss_of_a_worker_that_never_reported() -> None:
    assert killed_for_memory(facts(events=[kill(1008.0), SILENT]), SILENT) == kill(1008.0)
    assert killed_for_memory(facts(events=[kill(900.0), SILENT]), SILENT) is None


def test_any_kill_explains_a_loss_that_was_not_noticed() -> None:
    assert killed_for_memory(facts(events=[kill(900.0), kill(1008.0)]), None) == kill(1008.0)
    assert killed_for_memory(facts(events=[EARLY]), None) is None

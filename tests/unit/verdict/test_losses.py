"""Which workers were lost for good, by the events of a run and by who never reported its end."""

from __future__ import annotations

import pytest

from stampede.facts.event import Event
from stampede.verdict.losses import losses
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

"""Which workers were lost for good, by the events of a run and by who never reported its end."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.verdict.losses import losses

EARLY = {"name": "worker_lost", "id": "a", "last_report": 1007.2}
BACK = {"name": "worker_returned", "id": "a"}
LATE = {**EARLY, "last_report": 1031.9}
OTHER = {**EARLY, "id": "b"}
SILENT = {**EARLY, "last_report": None}


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
    events: list[dict[str, Any]], lost_workers: list[str], found: dict[str, Any]
) -> None:
    """Whatever happened to it before."""
    assert losses({"events": events, "lost_workers": lost_workers}) == found


def test_a_run_without_events_has_no_losses() -> None:
    """One of an earlier release."""
    assert losses({}) == {}

"""Workers that a run lost permanently: requests after their last reports are in no figure. Pure.

A worker that was only disconnected delivers all its counts when it returns: it is not lost.
"""

from __future__ import annotations

from stampede.facts.event import Event
from stampede.facts.run_json import Facts


def losses(run: Facts) -> dict[str, Event]:
    """Return the event of each lost worker, by Locust's name; the later event where it was lost twice."""
    lost: dict[str, Event] = {}
    for event in run.events:
        match event:
            case Event(name="worker_lost", id=str(worker)):
                lost[worker] = event
            case Event(name="worker_returned", id=str(worker)):
                lost.pop(worker, None)
    # A worker that died before its first report is not in lost_workers: the master did not await its end.
    return {
        worker: event
        for worker, event in lost.items()
        if worker in run.lost_workers or event.last_report is None
    }

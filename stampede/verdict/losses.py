"""Workers that a run has lost for good: what each did after its last report is in none of its figures. Pure.

One that was only cut off delivers all it has counted when it is back: its loss explains nothing any more.
"""

from __future__ import annotations

from stampede.facts.event import Event
from stampede.facts.run import Facts


def losses(run: Facts) -> dict[str, Event]:
    """Return the event by which each was noticed, by Locust's name for it; of one lost twice the later."""
    found: dict[str, Event] = {}
    for event in run.events:
        match event:
            case Event(name="worker_lost", id=str(worker)):
                found[worker] = event
            case Event(name="worker_returned", id=str(worker)):
                found.pop(worker, None)
    # The end of one that died before its first report is awaited by no one.
    return {
        worker: event
        for worker, event in found.items()
        if worker in run.lost_workers or event.last_report is None
    }

"""Workers that a run lost permanently: requests after their last reports are in no figure. Pure.

A worker that was only disconnected delivers all its counts when it returns: it is not lost.
"""

from __future__ import annotations

from stampede.facts.event import OUT_OF_MEMORY, Event
from stampede.facts.run_json import Facts

REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker, and between two checks for kills."""


LONGEST_SILENCE = 15.0
"""Seconds after which the master has noticed that a worker is lost, at the latest."""


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


def killed_for_memory(run: Facts, loss: Event | None) -> Event | None:
    """Return the event of a kill for lack of memory that explains why a worker was lost; None without one.

    It was after the worker's last report. Of a worker whose loss the master has not noticed, any may be it.
    """
    kills = [event for event in run.events if event.name == OUT_OF_MEMORY]
    if loss is None:
        return kills[-1] if kills else None
    since = (loss.last_report or loss.at - LONGEST_SILENCE) - REPORT_INTERVAL
    return next((kill for kill in kills if since <= kill.at <= loss.at + REPORT_INTERVAL), None)

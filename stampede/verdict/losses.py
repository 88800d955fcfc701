"""Workers that a run has lost for good: what each did after its last report is in none of its figures. Pure.

One that was only cut off delivers all it has counted when it is back: its loss explains nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stampede.facts.check import Facts


def losses(run: Facts) -> dict[str, Mapping[str, Any]]:
    """The event by which each was noticed, by Locust's name for it; of one lost twice the later."""
    found: dict[str, Mapping[str, Any]] = {}
    for event in run.get("events", ()):
        match event["name"]:
            case "worker_lost":
                found[event["id"]] = event
            case "worker_returned":
                found.pop(event["id"], None)
    awaited = run.get("lost_workers", ())
    # Of one that died before its first report nobody awaits the end.
    return {
        worker: event
        for worker, event in found.items()
        if worker in awaited or event.get("last_report") is None
    }

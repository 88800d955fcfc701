"""Responses that a locustfile never reports are counted by their names, at the end of a run."""

from __future__ import annotations

from typing import Any

from stampede.counting.unreported import MAX_NAMES, OTHERS, Unreported


def handed_over(worker: Unreported) -> dict[str, Any]:
    report: dict[str, Any] = {}
    worker.hand_over(report)
    return report


def test_what_is_never_reported_is_known_at_the_end() -> None:
    """During the run, a `with` block may be in progress."""
    master, worker = Unreported(), Unreported()
    kept = [worker.opened("GET", "/list") for _ in range(3)]
    worker.reported(kept[0])
    worker.reported(worker.opened("GET", "/reported"))
    master.add(handed_over(worker))
    assert master.facts() == {}
    worker.end()
    master.add(handed_over(worker))
    assert master.facts() == {"GET /list": 2}
    master.add(handed_over(worker))
    assert master.facts() == {"GET /list": 2}, "each is handed over once"


def test_names_without_end_are_counted_together() -> None:
    worker = Unreported()
    for number in (*range(MAX_NAMES + 3), 0):
        worker.opened("GET", f"/items/{number}")
    worker.end()
    (counts,) = handed_over(worker).values()
    assert (counts[OTHERS], counts["GET /items/0"]) == (3, 2)
    assert sum(counts.values()) == MAX_NAMES + 4


def test_names_of_many_workers_are_counted_together_too() -> None:
    master = Unreported()
    for worker in range(8):
        own = Unreported()
        for number in range(MAX_NAMES):
            own.opened("GET", f"/{worker}/{number}")
        own.end()
        master.add(handed_over(own))
    assert len(master.facts()) == MAX_NAMES + 1
    assert sum(master.facts().values()) == 8 * MAX_NAMES

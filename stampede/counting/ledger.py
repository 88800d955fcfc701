"""The ledger: what users sent and what the API answered, for the audit to compare with the database.

A user notes an act before it sends the request, and its outcome afterwards. Workers hand their entries over
with their reports; the master writes each as a line of JSON. An entry whose request was in flight during a
report has two lines, of which the later one counts. So a worker that dies leaves the acts it had begun.
docs/audit.md describes the fields.
"""

from __future__ import annotations

import time
from typing import Any

KEY = "stampede_ledger"
"""The key of the entries in a worker's report."""

Entry = dict[str, Any]


class Ledger:
    """The entries of one worker that it has not reported yet."""

    def __init__(self) -> None:
        self.begin(None, "")

    def begin(self, run_id: str | None, worker: str) -> None:
        """Begin the empty ledger of a run."""
        self._run_id = run_id
        self._worker = worker
        self._number = 0
        self._ended = False
        self._in_flight: dict[int, Entry] = {}
        self._settled: list[Entry] = []

    def attempt(self, act: str, **facts: Any) -> Entry:
        """Note an act that is about to be sent. Return its entry, to be settled later."""
        self._number += 1
        entry = {"n": self._number, "act": act, **facts, "sent": time.time(), "outcome": "open"}
        self._in_flight[self._number] = entry
        return entry

    def settle(self, entry: Entry, outcome: str, **facts: Any) -> None:
        """Note the outcome of an act: ``ok``, ``refused``, or ``unknown`` where there is no clear answer."""
        entry["outcome"] = outcome
        entry["answered"] = time.time()
        entry.update(facts)
        self._in_flight.pop(entry["n"], None)
        self._settled.append(entry)

    def event(self, name: str, **facts: Any) -> None:
        """Note an event that charts of the run should show at this moment."""
        self._number += 1
        self._settled.append({"n": self._number, "act": "event", "name": name, "at": time.time(), **facts})

    def end(self) -> None:
        """Mark the next report as the last of the run: all users have stopped."""
        self._ended = True

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the entries into a worker's report."""
        report[KEY] = {
            "run": self._run_id,
            "worker": self._worker,
            "ended": self._ended,
            "settled": self._settled,
            "open": list(self._in_flight.values()),
        }
        self._settled = []
        self._in_flight = {}

    def hand_over_again(self, report: dict[str, Any]) -> dict[str, Any]:
        """Return a report that may have got lost, without its open entries that have been settled since.

        A later report has those entries, and each must be in one report only.
        """
        still_open = [entry for entry in report[KEY]["open"] if entry["outcome"] == "open"]
        return {**report, KEY: {**report[KEY], "open": still_open}}

"""The ledger: what the clients of a run were told, to be compared with what the database holds.

A user notes an act before it sends the request, and afterwards what came of it. Workers hand their
entries over with their reports; the master writes them down, one JSON object a line. An entry whose
request was in flight at that moment stands there twice, and the later line holds: a worker that dies
leaves what it had begun. The fields are described in docs/audit.md.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stampede.facts.event import Event

KEY = "stampede_ledger"
"""Where the entries stand in a worker's report."""

Entry = dict[str, Any]


class Ledger:
    """The entries of one worker that the master does not know yet."""

    def __init__(self) -> None:
        self.begin(None, "")

    def begin(self, run_id: str | None, worker: str) -> None:
        """A run begins: nothing has been done in it."""
        self._run_id = run_id
        self._worker = worker
        self._number = 0
        self._ended = False
        self._in_flight: dict[int, Entry] = {}
        self._settled: list[Entry] = []

    def attempt(self, act: str, **facts: Any) -> Entry:
        """Note what is about to be sent; returns the entry, to be settled."""
        self._number += 1
        entry = {"n": self._number, "act": act, **facts, "sent": time.time(), "outcome": "open"}
        self._in_flight[self._number] = entry
        return entry

    def settle(self, entry: Entry, outcome: str, **facts: Any) -> None:
        """Note what came of it: ``ok``, ``refused``, or ``unknown`` where no answer tells."""
        entry["outcome"] = outcome
        entry["answered"] = time.time()
        entry.update(facts)
        self._in_flight.pop(entry["n"], None)
        self._settled.append(entry)

    def event(self, name: str, **facts: Any) -> None:
        """Note what a picture of the run should show at this moment."""
        self._number += 1
        self._settled.append({"n": self._number, "act": "event", "name": name, "at": time.time(), **facts})

    def end(self) -> None:
        """All users have stopped: what is handed over next is the last."""
        self._ended = True

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put what the master does not know yet into a worker's report."""
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
        """A report that may have got lost, as it has to be now: what was open in it and is settled since
        stands, or will stand, in a later one, and there once."""
        still_open = [entry for entry in report[KEY]["open"] if entry["outcome"] == "open"]
        return {**report, KEY: {**report[KEY], "open": still_open}}


class LedgerFile:
    """``ledger.jsonl.gz`` of one run, written by the master as its workers report."""

    def __init__(self, path: Path, run_id: str, workers: Mapping[str, str], events: list[Event]) -> None:
        """`workers` are those that begin the run: Locust's name for each, by the label its keys carry.
        `events` are the run's: what users note is added."""
        self._run_id = run_id
        self._file = gzip.open(path, "wt", compresslevel=1, encoding="utf-8")  # noqa: SIM115 - closed by close()
        self.still_working = dict(workers)
        """Those that have not reported their end: Locust's names, by label."""
        self._heard: set[str] = set()
        self._ended: set[str] = set()
        self._events = events
        self.error: OSError | None = None
        """Why something is missing in it."""

    def add(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """Write down what stands in the report of a worker, which Locust knows by `worker_id`."""
        batch = report.get(KEY)
        if not batch or batch["run"] != self._run_id or self._file.closed:
            return
        worker = batch["worker"]
        self._heard.add(worker)
        if batch["ended"]:
            self._ended.add(worker)
            self.still_working.pop(worker, None)
        elif worker not in self._ended:  # else it is an earlier report that was late
            self.still_working[worker] = worker_id
        for entry in batch["settled"]:
            if entry["act"] == "event":
                self._events.append(_event(entry))
        self._write(*({"worker": worker, **entry} for entry in (*batch["settled"], *batch["open"])))

    def left(self, worker: str) -> None:
        """A worker has said farewell, known by its label: one that has reported nothing has done nothing."""
        if worker not in self._heard:
            self.still_working.pop(worker, None)

    def close(self) -> list[str]:
        """Note which workers never reported their end, and return Locust's names for them."""
        lost, now = self.still_working, time.time()
        self._write(
            *({"act": "lost_worker", "worker": each, "name": name, "at": now} for each, name in lost.items())
        )
        try:
            self._file.close()
        except OSError as error:
            self.error = self.error or error
        return sorted(lost.values())

    def _write(self, *entries: Entry) -> None:
        try:
            self._file.writelines(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
            self._file.flush()  # what is there can be read if the master dies
        except OSError as error:  # the disk is full: the run goes on, its data cannot be judged
            self.error = self.error or error


def _event(entry: Entry) -> Event:
    facts = {name: value for name, value in entry.items() if name not in ("n", "act", "name", "at")}
    return Event(name=entry["name"], at=entry["at"], facts=facts)

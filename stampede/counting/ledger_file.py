"""The file of a run's ledger, which the master writes from the reports of the workers."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Collection, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import gevent
from gevent.queue import Queue
from msgspec.json import Encoder

from stampede.counting.ledger import KEY, Entry
from stampede.counting.readable import text
from stampede.facts.event import Event

_encode = Encoder(enc_hook=text).encode


class LedgerFile:
    """The file ``ledger.jsonl.gz`` of one run.

    A thread compresses and writes the entries: it would hold up the master's event loop.
    """

    def __init__(self, path: Path, run_id: str, workers: Mapping[str, str], events: list[Event]) -> None:
        """Open the file.

        `workers` are the ids of the workers that begin the run, by label. Events of users are added to
        `events`, the run's list.
        """
        self._run_id = run_id
        self._file = gzip.open(path, "wb", compresslevel=1)  # noqa: SIM115 - closed by close()
        self._unwritten: Queue[bytes | None] = Queue()
        self._writer = gevent.spawn(self._keep_writing)
        self._is_closed = False
        self.still_working = dict(workers)
        """The ids of the workers that have not reported their end, by label."""
        self._reported: set[str] = set()
        self._ended: set[str] = set()
        self._events = events
        self.error: OSError | None = None
        """The first error in writing: then entries are missing."""

    def add(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """Write the entries in the report of a worker, whose id is `worker_id`."""
        batch = report[KEY]
        if batch["run"] != self._run_id or self._is_closed:
            return
        worker = batch["worker"]
        self._reported.add(worker)
        if batch["ended"]:
            self._ended.add(worker)
            self.still_working.pop(worker, None)
        elif worker not in self._ended:  # otherwise this is an earlier report that arrived late
            self.still_working[worker] = worker_id
        for entry in batch["settled"]:
            if entry["act"] == "event":
                self._events.append(_event(entry))
        entries = (*batch["settled"], *batch["open"])
        self._unwritten.put(b"".join(_line({"worker": worker, **entry}) for entry in entries))

    def worker_left(self, worker: str) -> None:
        """Expect no end of a worker that has left, by its label, if it has not reported anything."""
        if worker not in self._reported:
            self.still_working.pop(worker, None)

    def never_began(self, connected: Collection[str]) -> None:
        """Expect no end of connected workers, by their ids, that have not reported anything in the run.

        The run ended before they got users.
        """
        for label, worker_id in list(self.still_working.items()):
            if label not in self._reported and worker_id in connected:
                del self.still_working[label]

    def close(self) -> list[str]:
        """Write the workers that never reported their end, close the file, and return the workers' ids."""
        lost, now = self.still_working, time.time()
        for label, id_ in lost.items():
            self._unwritten.put(_line({"act": "lost_worker", "worker": label, "name": id_, "at": now}))
        self._is_closed = True
        self._unwritten.put(None)
        self._writer.join()
        return sorted(lost.values())

    def _keep_writing(self) -> None:
        """Write what is put into the queue, until the file is closed."""
        threads = gevent.get_hub().threadpool
        for lines in iter(self._unwritten.get, None):
            threads.apply(self._attempt, (self._write, lines))
        threads.apply(self._attempt, (self._file.close,))

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()  # so that it can be read if the master dies

    def _attempt(self, act: Callable[..., None], *arguments: bytes) -> None:
        try:
            act(*arguments)
        except OSError as error:  # such as a full disk: the run goes on, but cannot be audited
            self.error = self.error or error


def _line(entry: Entry) -> bytes:
    """Return an entry as a line of JSON, which has no NaN: a value that the API has answered may be one."""
    line = _encode(entry)
    return (_encode(_with_texts(entry)) if b"null" in line else line) + b"\n"  # NaN is encoded as null


def _with_texts(value: object) -> object:
    """Return a value in which numbers that are not finite are texts."""
    match value:
        case float():
            return value if isfinite(value) else text(value)
        case dict():
            return {key: _with_texts(item) for key, item in value.items()}
        case list():
            return [_with_texts(item) for item in value]
    return value


def _event(entry: Entry) -> Event:
    facts = {name: value for name, value in entry.items() if name not in ("n", "act", "name", "at")}
    return Event(name=str(entry["name"]), at=entry["at"], facts=facts)

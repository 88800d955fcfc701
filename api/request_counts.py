"""Counts and times of requests, in memory that all processes of the API share.

Each process has a file, into which it maps its counts: a step of a count is a write to memory, and the other
processes read it. The files outlive their processes. prometheus_client has such files too, but three of its
steps, which a request needs, cost a third of all Python code that serves the request.

A file consists of records of one size. A record has the labels of its series, as JSON, and its numbers.
"""

from __future__ import annotations

import mmap
import os
import threading
from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from struct import Struct

import msgspec

#: The upper bounds of the buckets of response times, in seconds. One more bucket has no bound.
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0)
LABELS_SIZE = 112
#: The labels; the number of requests in each bucket, from 0; the sum of all times in seconds.
RECORD = Struct(f"{LABELS_SIZE}s{len(BOUNDS) + 1}Qd")
#: More than all methods, routes and statuses together. Memory that is not used takes no space.
MOST_SERIES = 8192
SUFFIX = ".requests"

Labels = tuple[str, str, str]
"""Method, route and status."""
Reading = tuple[Labels, tuple[int, ...], float]
"""The labels of a series, the number of requests in each bucket, and the sum of their times in seconds."""


class Series:
    """The requests with the same labels."""

    def __init__(self, memory: memoryview) -> None:
        self._buckets = memory[LABELS_SIZE:-8].cast("Q")
        self._sum = memory[-8:].cast("d")
        self._lock = threading.Lock()

    def add(self, seconds: float) -> None:
        """Count a request that took this long."""
        bucket = bisect_left(BOUNDS, seconds)
        with self._lock:
            self._buckets[bucket] += 1
            self._sum[0] += seconds


class RequestCounts:
    """The series of this process; without a folder, no other process can read them."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory = memoryview(mapped(folder / f"{os.getpid()}{SUFFIX}" if folder else None))
        self._lock = threading.Lock()
        # A file that exists is of an ended process with the same id: it goes on.
        self._series = {
            labels: Series(self._record(number))
            for number, (labels, _, _) in enumerate(self._of_this_process())
        }

    def series(self, labels: Labels) -> Series:
        """Return the series with these labels; there may be MOST_SERIES of them."""
        with self._lock:
            if labels not in self._series:
                self._series[labels] = self._new_series(labels)
            return self._series[labels]

    def _new_series(self, labels: Labels) -> Series:
        record = self._record(len(self._series))
        encoded = msgspec.json.encode(labels)
        record[: len(encoded)] = encoded
        return Series(record)

    def _record(self, number: int) -> memoryview:
        return self._memory[number * RECORD.size : (number + 1) * RECORD.size]

    def of_all_processes(self) -> Iterator[Reading]:
        """Yield a reading of each series of each process."""
        if self._folder is None:
            yield from self._of_this_process()
            return
        for file in self._folder.glob(f"*{SUFFIX}"):
            with file.open("rb") as opened:
                yield from readings(iter(partial(opened.read, RECORD.size), b""))

    def _of_this_process(self) -> Iterator[Reading]:
        yield from readings(bytes(self._record(number)) for number in range(MOST_SERIES))


def mapped(file: Path | None) -> mmap.mmap:
    """Return memory for MOST_SERIES records, which is the content of the file."""
    size = MOST_SERIES * RECORD.size
    if file is None:
        return mmap.mmap(-1, size)
    with file.open("a+b") as opened:
        opened.truncate(size)
        return mmap.mmap(opened.fileno(), size)


def readings(records: Iterator[bytes]) -> Iterator[Reading]:
    """Yield a reading of each record, up to the first one that is not used."""
    for record in records:
        text, *buckets, seconds = RECORD.unpack(record)
        labels = text.rstrip(b"\0")
        if not labels:
            return
        yield msgspec.json.decode(labels, type=Labels), tuple(buckets), seconds

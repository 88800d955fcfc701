"""The API's own count of the requests it answered in a run, to compare with the users' count.

The count is read from `GET /metrics`, Prometheus text with `http_requests_total{method,route,status}`. All
addresses of the host's name are polled: when the run begins, every second during the run, and at its end.

- An API that restarts counts from 0 again. Its last count before the restart is kept, and an event records
  when that was. `process_start_time_seconds` identifies a new process, even one that already counted more.
- Two addresses of one process are both polled and counted once.
- Health probes (HEAD) and our own requests are not counted.
- An answer may be anything. Values that are not possible are ignored and listed; where counts of requests are
  among them, the counts of the run cannot be used.

api_metrics.py reads one answer, replica.py adds up those of one address, and gauges.py uses the API's gauges.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from http.client import HTTPException
from urllib.parse import urlsplit

import gevent
from gevent import Greenlet, socket
from gevent.event import Event as Flag
from msgspec.structs import replace

from stampede.facts.event import Event
from stampede.facts.run_json import ApiCounts
from stampede.facts.samples import ApiSample
from stampede.sampling import api_metrics, target_client
from stampede.sampling.api_metrics import METRICS, Metrics, RequestKey
from stampede.sampling.gauges import ApiSamples
from stampede.sampling.replica import CLOCK_JITTER, Replica, is_same_process, requests_of_users
from stampede.sampling.rows import Rows
from stampede.sampling.target_client import Address, TooLongError

INTERVAL = 1.0
"""Seconds between two polls."""

POLL_TIMEOUT = 1.0
"""Seconds after which a poll goes on without the answers that are still missing."""

MAX_EMPTY_POLLS = 10
"""Polls without any metric after which polling stops: the API has none."""

FINAL_POLLS = 3
"""The highest number of polls at the end of a run, where an address does not answer."""

MOST_BYTES = 2_000_000
"""The size of the largest answer that is read."""

LONGEST_PIECE = 0.0005
"""Seconds of reading an answer after which other greenlets run."""

MOST_IGNORED = 5
"""Ignored samples of a run that are listed."""

MOST_MACHINES = 100
"""Machines of the API that are told apart."""


class Counters:
    """The API's counters in one run, polled from its start to its end."""

    def __init__(self, host: str | None, events: list[Event]) -> None:
        """Prepare to poll `host`, such as `http://api:8000`; without a host nothing is polled.

        Two kinds of events are added to `events`, the run's list: ``api_restarted``, and ``api_gone`` where
        an address does not answer at the end. The process that ended may have answered more requests between
        the event's `last_look` and its `at`.
        """
        self._host = (host or "").rstrip("/")
        self._url = urlsplit(host or "")
        self._family = 0
        self._replicas: dict[Address, Replica] = {}
        self._duplicates: set[Address] = set()
        """Addresses that seemed to lead to the process of another address when the run began."""
        self._faults: dict[Address, str] = {}
        """Why the last answer of an address cannot be used; permanently, if that was its first one."""
        self._ignored: dict[str, str] = {}
        """Samples that were ignored, each with the reason, by their text without the value."""
        self._began = 0.0
        self._polls = 0
        self._has_counters = self._has_gauges = False
        self._was_late = False
        """A process older than the run answered only after the first poll."""
        self._polling: Greenlet[..., None] | None = None
        self._samples = ApiSamples()
        self.machines: set[str] = set()
        """The ids of the API's machines, as far as it reports them."""
        self.has_polled = Flag()
        """Set after the first poll: then the counts from before the run are known."""
        self._events = events

    @property
    def samples(self) -> list[ApiSample]:
        """Return the samples of the API, one per second: gauges.py.

        There are none where several processes answer in turns: a difference between two processes is no rate.
        """
        return [] if any(replica.is_shared for replica in self._replicas.values()) else self.rows.all

    @property
    def rows(self) -> Rows[ApiSample]:
        """Return the rows of these samples."""
        return self._samples.rows

    def start(self) -> None:
        """Start to poll. No user may send a request until `has_polled` is set, within POLL_TIMEOUT."""
        self._began = time.time()
        self._polling = gevent.spawn(self._keep_polling)

    def silent_addresses(self) -> list[Event]:
        """Return an event ``api_gone`` for each address that does not answer now."""
        return [self._gone(replica) for replica in self._replicas.values() if replica.silent_since]

    @staticmethod
    def _gone(replica: Replica) -> Event:
        gone = (replica.silent_since or replica.last_polled) + POLL_TIMEOUT
        return Event(name="api_gone", at=gone, last_look=replica.last_polled)

    def stop(self) -> ApiCounts | None:
        """Poll a last time. Return the counts since the start, or None where the API has no counters."""
        if self._polling:
            self._polling.kill()
        for address, replica in self._silent_at_the_end():
            if address in self._faults:
                continue
            self._add_event(self._gone(replica), address)
        if not (self._has_counters or self._faults or self._ignored):
            return None
        self._forget(self._duplicates & self._find_duplicates())
        ignored = list(self._ignored.values())
        counts = ApiCounts(
            addresses=[_text(address) for address in self._known], looks=self._polls, ignored=ignored
        )
        if self._faults:
            return replace(counts, error=f"/metrics cannot be used: {next(iter(self._faults.values()))}")
        if not self._has_counters:
            return replace(counts, error=f"/metrics has no {api_metrics.REQUESTS}")
        if self._was_late:
            return replace(counts, missed="the API did not answer in time when the run began")
        if shared := [_text(address) for address, replica in self._replicas.items() if replica.is_shared]:
            self._drop_events(shared)
            error = f"behind {', '.join(shared)} several processes answer in turns"
            return replace(counts, error=error)
        return replace(counts, api=self._by_route())

    @property
    def _known(self) -> list[Address]:
        """Return the addresses that have answered, whatever the answer was."""
        return list(dict.fromkeys([*self._replicas, *self._faults]))

    def _by_route(self) -> dict[str, dict[str, int]]:
        total = sum((replica.requests for replica in self._replicas.values()), Counter[RequestKey]())
        routes: dict[str, dict[str, int]] = {}
        for (method, route, status), count in sorted(requests_of_users(total).items()):
            routes.setdefault(f"{method} {route}", {})[status] = count
        return routes

    def _find_duplicates(self) -> set[Address]:
        """Return the addresses that lead to the same process as an earlier address."""
        duplicates: set[Address] = set()
        processes: list[Metrics] = []
        for address, replica in self._replicas.items():
            if any(is_same_process(replica.last, process) for process in processes):
                duplicates.add(address)
            else:
                processes.append(replica.last)
        return duplicates

    def _forget(self, addresses: set[Address]) -> None:
        for address in addresses:
            del self._replicas[address]
        self._drop_events(map(_text, addresses))

    def _drop_events(self, addresses: Iterable[str]) -> None:
        dropped = {*addresses}
        self._events[:] = [event for event in self._events if event.address not in dropped]

    def _keep_polling(self) -> None:
        while self._has_counters or self._has_gauges or self._polls < MAX_EMPTY_POLLS:
            polled = time.time()
            try:
                self._poll()
            finally:
                self.has_polled.set()
            self._samples.close(round(polled) - 1)  # a poll is at the end of its second
            gevent.sleep(INTERVAL - time.time() % INTERVAL)

    def _silent_at_the_end(self) -> list[tuple[Address, Replica]]:
        began = time.time()
        for _ in range(FINAL_POLLS):
            self._poll()
            silent = [item for item in self._replicas.items() if item[1].last_polled < began]
            if not silent:
                break
        return silent

    def _poll(self) -> None:
        """Ask all addresses at the same time, and go on without those that take too long."""
        polled, addresses, asking = time.time(), list[Address](), list["Greenlet[..., None]"]()
        try:
            with suppress(gevent.Timeout), gevent.Timeout(POLL_TIMEOUT):
                addresses += self._addresses()
                asking += [gevent.spawn(self._ask, address) for address in addresses]
                gevent.joinall(asking)
        finally:
            gevent.killall(asking)
        if not self._family and self._replicas:
            self._keep_to_one_family(addresses)
            self._duplicates = self._find_duplicates()
        for replica in self._replicas.values():
            if replica.last_polled < polled:
                replica.silent_since = replica.silent_since or polled
        self._polls += 1

    def _addresses(self) -> list[Address]:
        """Return the addresses that the host's name has or had: an API can outlive its name."""
        if not self._url.hostname:
            return []
        try:
            resolved = socket.getaddrinfo(self._url.hostname, self._port, self._family, socket.SOCK_STREAM)
        except (OSError, ValueError):  # the name is invalid or unknown
            resolved = []
        current = ((family, destination) for family, _, _, _, destination in resolved)
        return list(dict.fromkeys([*current, *self._replicas]))

    def _keep_to_one_family(self, addresses: list[Address]) -> None:
        """Keep only the IPv4 or only the IPv6 addresses: one API may answer over both.

        The family is that of the first address that has answered, in the order in which users try them.
        """
        self._family = next(address for address in addresses if address in self._replicas)[0]
        self._replicas = {
            address: replica for address, replica in self._replicas.items() if address[0] == self._family
        }
        self._faults = {
            address: fault for address, fault in self._faults.items() if address[0] == self._family
        }

    def _ask(self, address: Address) -> None:
        asked = time.time()
        try:
            metrics = self._fetch(address)
        except (OSError, HTTPException):  # no answer
            return
        if metrics is None:
            return
        self._note(metrics)
        if address not in self._duplicates:
            self._samples.add(address, metrics.gauges, asked)
        if metrics.fault:
            self._faults[address] = metrics.fault
        elif address in self._replicas:
            self._faults.pop(address, None)
            self._update(address, metrics, asked)
            if fault := self._replicas[address].fault:
                self._faults[address] = fault
        elif address not in self._faults:
            self._replicas[address] = Replica(metrics, asked, self._before(metrics))

    def _note(self, metrics: Metrics) -> None:
        """Note what the API has, and what of its answer was ignored."""
        self._has_counters |= bool(metrics.requests)
        self._has_gauges |= bool(metrics.gauges)
        if metrics.machine and len(self.machines) < MOST_MACHINES:
            self.machines.add(metrics.machine)
        for series, text in metrics.ignored.items():
            if len(self._ignored) < MOST_IGNORED:
                self._ignored.setdefault(series, text)

    def _update(self, address: Address, metrics: Metrics, asked: float) -> None:
        """Add an answer to those of its address, and show its restarts among the events of the run."""
        replica = self._replicas[address]
        restarts = len(replica.restarts)
        replica.update(metrics, asked)
        if replica.ignores_start:
            name = "process_start_time_seconds"
            self._ignored.setdefault(f"{name} of {address}", f"{name} changes without a restart")
        if len(replica.restarts) != restarts:
            self._drop_events([_text(address)])
            for event in replica.restarts:
                self._add_event(event, address)

    def _before(self, metrics: Metrics) -> Mapping[RequestKey, int]:
        """Return the requests from before the run in a process's first answer."""
        if self._polls == 0:
            return metrics.requests
        # A process older than the run may already have counted requests of the run.
        self._was_late |= (metrics.started or self._began) < self._began - CLOCK_JITTER
        return {}

    def _fetch(self, address: Address) -> Metrics | None:
        """Return the metrics of an address, or None where its answer is not 200."""
        try:
            answer = target_client.fetch(
                self._host + METRICS, seconds=POLL_TIMEOUT, most_bytes=MOST_BYTES, address=address
            )
        except TooLongError as error:
            return Metrics(fault=str(error))
        return _in_pieces(api_metrics.read(answer.body, time.time())) if answer.status == 200 else None

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def _add_event(self, event: Event, address: Address) -> None:
        self._events.append(replace(event, address=_text(address)))


def _in_pieces(reading: Generator[None, None, Metrics]) -> Metrics:
    """Carry out a reading, and let other greenlets run in between."""
    began = time.perf_counter()
    while True:
        try:
            next(reading)
        except StopIteration as end:
            metrics: Metrics = end.value
            return metrics
        if time.perf_counter() - began > LONGEST_PIECE:
            gevent.sleep(0)
            began = time.perf_counter()


def _text(address: Address) -> str:
    host, port, *_ = address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

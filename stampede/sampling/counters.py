"""The API's own count of the requests it answered in a run, to be compared with what its users counted.

It is read from `GET /metrics`, Prometheus text with `http_requests_total{method,route,status}`, of every
address that the host's name resolves to: when the run begins, once a second while it goes on, and when it
has ended. An API that restarts begins at 0: what was last seen of it is kept, and an event says since when
nobody had looked. `process_start_time_seconds` tells a new process from the old one, also where it has
counted more by now. Two addresses that lead to one process are asked both, and counted once. HEAD, which
probes use, and our own requests are not counted. api_metrics.py reads one answer; the same answer also
holds the API's gauges: gauges.py.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import Greenlet, socket, ssl
from gevent.event import Event as Flag
from msgspec.structs import replace

from stampede.facts.event import Event
from stampede.facts.run import ApiCounts
from stampede.facts.samples import ApiSample
from stampede.sampling.api_metrics import (
    CLOCK_JITTER,
    METRICS,
    Counted,
    Metrics,
    Replica,
    is_same,
    of_users,
    read,
)
from stampede.sampling.gauges import ApiSamples

INTERVAL = 1.0
"""Seconds from one look to the next."""

LONGEST_LOOK = 1.0
"""Seconds after which a look goes without the answers that are still missing."""

MOST_IN_VAIN = 10
"""Looks until an API that tells nothing is not asked any more: it may not be ours."""

LAST_LOOKS = 3
"""How often the counts at the end are asked for where somebody does not answer."""


# Users of Locust check no certificate either.
_like_users = ssl.create_default_context()
_like_users.check_hostname = False
_like_users.verify_mode = ssl.CERT_NONE


Address = tuple[int, tuple[Any, ...]]
"""A socket's family, and where it connects to."""


class Counters:
    """Watches the API of one run."""

    def __init__(self, host: str | None, events: list[Event]) -> None:
        """`host` is the run's, as in `http://api:8000`; without one nothing is asked. `events` are the run's:
        ``api_restarted`` is added, and ``api_gone`` where an address is silent at the end. What was answered
        from an event's `last_look` to its `at`, by the process that ended, is not known."""
        self._url = urlsplit(host or "")
        self._family = 0
        self._replicas: dict[Address, Replica] = {}
        self._doubles: set[Address] = set()
        """Those that seemed to be another way to a replica when the run began."""
        self._began = 0.0
        self._looks = 0
        self._has_counters = self._has_gauges = False
        self._seen_late = False
        self._watching: Greenlet[..., None] | None = None
        self._samples = ApiSamples()
        self.machines: set[str] = set()
        """Those it runs on, where it tells."""
        self.has_looked = Flag()
        """What was counted before is known."""
        self._events = events

    @property
    def samples(self) -> list[ApiSample]:
        """How the API was, a row a second: gauges.py. No rows of processes that answer in turns: the
        difference between two processes is no rate."""
        return [] if any(each.is_shared for each in self._replicas.values()) else self._samples.rows

    def start(self) -> None:
        """Watch from now on. Until `has_looked`, LONGEST_LOOK at most, nobody may send anything."""
        self._began = time.time()
        self._watching = gevent.spawn(self._watch)

    def stop(self) -> ApiCounts | None:
        """Ask a last time. Return what was counted since the start, or None where the API has no counters."""
        if self._watching:
            self._watching.kill()
        for address, replica in self._silent_at_the_end():
            gone = (replica.missed or replica.last_look) + LONGEST_LOOK
            self._note(Event(name="api_gone", at=gone, last_look=replica.last_look), address)
        if not self._has_counters:
            return None
        self._forget(self._doubles & self._alike())
        asked = ApiCounts(addresses=[_text(address) for address in self._replicas], looks=self._looks)
        if self._seen_late:
            return replace(asked, missed="the API did not answer in time when the run began")
        if shared := [_text(address) for address, each in self._replicas.items() if each.is_shared]:
            self._drop_events(shared)
            error = f"behind {', '.join(shared)} several processes answer in turns"
            return replace(asked, error=error)
        return replace(asked, api=self._by_route())

    def _by_route(self) -> dict[str, dict[str, int]]:
        total = sum((replica.requests for replica in self._replicas.values()), Counter[Counted]())
        routes: dict[str, dict[str, int]] = {}
        for (method, route, status), count in sorted(of_users(total).items()):
            routes.setdefault(f"{method} {route}", {})[status] = count
        return routes

    def _alike(self) -> set[Address]:
        """Addresses behind which is the same process as behind one before them."""
        found: set[Address] = set()
        first: list[Metrics] = []
        for address, each in self._replicas.items():
            if any(is_same(each.last, other) for other in first):
                found.add(address)
            else:
                first.append(each.last)
        return found

    def _forget(self, doubles: set[Address]) -> None:
        for address in doubles:
            del self._replicas[address]
        self._drop_events(map(_text, doubles))

    def _drop_events(self, addresses: Iterable[str]) -> None:
        dropped = {*addresses}
        self._events[:] = [event for event in self._events if event.address not in dropped]

    def _watch(self) -> None:
        while self._has_counters or self._has_gauges or self._looks < MOST_IN_VAIN:
            looked = time.time()
            try:
                self._look()
            finally:
                self.has_looked.set()
            self._samples.close(round(looked) - 1)  # it looks when a second is over
            gevent.sleep(INTERVAL - time.time() % INTERVAL)

    def _silent_at_the_end(self) -> list[tuple[Address, Replica]]:
        asked = time.time()
        for _ in range(LAST_LOOKS):
            self._look()
            silent = [(address, each) for address, each in self._replicas.items() if each.last_look < asked]
            if not silent:
                break
        return silent

    def _look(self) -> None:
        """Ask everybody at the same time, and go without whoever takes too long."""
        looked, addresses, asking = time.time(), list[Address](), list["Greenlet[..., None]"]()
        try:
            with suppress(gevent.Timeout), gevent.Timeout(LONGEST_LOOK):
                addresses += self._addresses()
                asking += [gevent.spawn(self._ask, address) for address in addresses]
                gevent.joinall(asking)
        finally:
            gevent.killall(asking)
        if not self._family and self._replicas:
            self._keep_to_one_family(addresses)
            self._doubles = self._alike()
        for replica in self._replicas.values():
            if replica.last_look < looked:
                replica.missed = replica.missed or looked
        self._looks += 1

    def _addresses(self) -> list[Address]:
        """Those the name has now, and those it had: it may be away when what it names is there."""
        if not self._url.hostname:
            return []
        try:
            found = socket.getaddrinfo(self._url.hostname, self._port, self._family, socket.SOCK_STREAM)
        except (OSError, ValueError):  # it is no name, or nobody knows it
            found = []
        return list(dict.fromkeys([*((each[0], each[4]) for each in found), *self._replicas]))

    def _keep_to_one_family(self, addresses: list[Address]) -> None:
        """The same API may answer over IPv4 and IPv6: it is counted once, over what users try first."""
        self._family = next(address for address in addresses if address in self._replicas)[0]
        self._replicas = {
            address: each for address, each in self._replicas.items() if address[0] == self._family
        }

    def _ask(self, address: Address) -> None:
        asked = time.time()
        try:
            metrics = self._fetch(address)
        except (OSError, HTTPException, ValueError):  # it is away, or answers what nobody can read
            return
        if metrics is None:
            return
        self._has_counters |= bool(metrics.requests)
        self._has_gauges |= bool(metrics.gauges)
        self.machines |= {metrics.machine} if metrics.machine else set()
        if address not in self._doubles:
            self._samples.take(address, metrics.gauges, asked)
        if address not in self._replicas:
            self._replicas[address] = Replica(metrics, asked, self._before(metrics))
        elif event := self._replicas[address].see(metrics, asked):
            self._note(event, address)

    def _before(self, metrics: Metrics) -> Mapping[Counted, int]:
        """What a process has counted that is older than the run; a younger one began at 0."""
        if self._looks == 0:
            return metrics.requests
        # One that is older than the run may have counted requests of it already.
        self._seen_late |= (metrics.started or self._began) < self._began - CLOCK_JITTER
        return {}

    def _fetch(self, address: Address) -> Metrics | None:
        """What is told there; None where it is no answer to that question."""
        family, destination = address
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(LONGEST_LOOK)
            connection.connect(destination)
            http = HTTPConnection(self._url.hostname or "", self._port)
            http.sock = connection
            if self._url.scheme == "https":
                http = HTTPSConnection(self._url.hostname or "", self._port)
                http.sock = _like_users.wrap_socket(connection, server_hostname=self._url.hostname)
            http.request("GET", self._url.path.rstrip("/") + METRICS, headers={"Connection": "close"})
            with http.getresponse() as response:
                return read(response.read().decode()) if response.status == 200 else None

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def _note(self, event: Event, address: Address) -> None:
        self._events.append(replace(event, address=_text(address)))


def _text(address: Address) -> str:
    host, port, *_ = address[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

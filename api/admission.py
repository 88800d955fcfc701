"""The queue in front of the application: which requests start, wait, or are refused with 503.

Granian has a queue too, but does not report how long a request has waited in it. So this module empties that
queue: the process has a few more threads than requests may run at once. A request that finds all places taken
waits here as an object, without a thread, and its thread accepts the next request. A thread that finishes a
request continues with the one that has waited longest. A request that could not start within WAIT_SECONDS is
refused, which costs a fraction of serving it. The wait before a refusal also slows down users that retry at
once: they do not keep the API busy with refusals.

Probes do not wait: a busy API is not an unhealthy one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from math import ceil
from time import perf_counter, sleep
from typing import Any

from falcon import Request, Response
from granian.server import mp

from api.db import Database, DatabaseUnavailableError
from api.problems import Problem
from api.request_bodies import BODY_SIZE, Bodies, TooManyBodiesError

logger = logging.getLogger("api.admission")

#: The longest wait for a place. A client must learn of a refusal within a second; this is half of it.
WAIT_SECONDS = 0.5
#: The pause between two checks for requests that have waited too long.
CHECK_SECONDS = 0.05
#: Threads beyond the number of places: one empties Granian's queue while others are busy with probes.
SPARE_THREADS = 4
#: How many of the clients that one process refused may retry in the same second. A refusal costs half as much
#: as an answer. So few retries, even if all are refused again, take little from the requests in progress.
RETRIES_PER_SECOND = 25
#: The largest Retry-After.
LONGEST_RETRY_SECONDS = 30
#: Bytes of the bodies of all waiting requests. A body that does not fit is refused at once.
LARGEST_WAITING_BODIES = 16 * 1024 * 1024
PROBES = {"/health", "/metrics"}

#: Keys in the WSGI environment: when the request arrived, and when it began to wait for a place, both by
#: perf_counter(); and the Problem for which it is refused, None where the API is overloaded.
ARRIVED = "api.arrived"
QUEUED = "api.queued"
REFUSED = "api.refused"

#: A request as Granian passes it: the object that takes the answer, from any thread and at any time, and the
#: WSGI environment.
GranianRequest = tuple[Any, dict[str, Any]]
Handler = Callable[[Any, dict[str, Any]], object]


class Admission:
    """The queue between Granian and the application; at most `places` requests run at once."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._free_places = places
        self._waiting: deque[GranianRequest] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Lock()
        self._bodies = Bodies()

    @property
    def at_work(self) -> int:
        """The number of requests in progress, without probes."""
        return self._places - self._free_places

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a place."""
        return len(self._waiting)

    def in_front_of(self, handler: Handler) -> Admission:
        """Pass admitted requests to the handler, and start the thread that refuses late ones."""
        self._handler = handler
        self._bodies.start()
        threading.Thread(target=self._refuse_late_requests, name="admission", daemon=True).start()
        return self

    def __call__(self, protocol: Any, scope: dict[str, Any]) -> None:
        """Serve, queue or refuse a request."""
        scope[ARRIVED] = perf_counter()
        if is_probe(scope):
            self._handler(protocol, scope)
        else:
            self._read_and_admit((protocol, scope))

    def _read_and_admit(self, request: GranianRequest) -> None:
        """Read the body, before the request takes a place. Then serve, queue or refuse it."""
        try:
            self._bodies.read(*request)
        except Problem as problem:
            self._refuse(request, problem)
        except TooManyBodiesError:
            self._refuse(request, None)
        else:
            self._admit(request)

    def _admit(self, request: GranianRequest) -> None:
        if self._take_place():
            self._work(request)
        elif self._waiting_bytes + body_size(request) <= LARGEST_WAITING_BODIES:
            self._wait(request)
        else:
            self._refuse(request, None)

    def _take_place(self) -> bool:
        with self._lock:
            is_free = self._free_places > 0
            self._free_places -= is_free
        return is_free

    def _wait(self, request: GranianRequest) -> None:
        with self._lock:
            request[1][QUEUED] = perf_counter()
            self._waiting.append(request)
            self._waiting_bytes += body_size(request)
        # All places may have become free since the check. Then no thread would pick this request up.
        if self._take_place():
            self._work(None)

    def _work(self, request: GranianRequest | None) -> None:
        """Serve the request, then waiting requests until there are none; the caller has taken a place."""
        while request := request or self._next():
            self._handle(request)
            request = None

    def _next(self) -> GranianRequest | None:
        """Return the request that has waited longest, or give the place back and return None."""
        with self._lock:
            if self._waiting:
                return self._pop_oldest()
            self._free_places += 1
            return None

    def _pop_oldest(self) -> GranianRequest:
        """Remove and return the request that has waited longest; the caller holds the lock."""
        request = self._waiting.popleft()
        self._waiting_bytes -= body_size(request)
        return request

    def _refuse_late_requests(self) -> None:
        while True:
            sleep(CHECK_SECONDS)
            while request := self._next_late():
                self._refuse(request, None)

    def _next_late(self) -> GranianRequest | None:
        with self._lock:
            if self._waiting and perf_counter() - self._waiting[0][1][QUEUED] > WAIT_SECONDS:
                return self._pop_oldest()
            return None

    def _refuse(self, request: GranianRequest, problem: Problem | None) -> None:
        """Let the application answer with a refusal, so that the request is counted like any other."""
        request[1][REFUSED] = problem
        self._handle(request)

    def _handle(self, request: GranianRequest) -> None:
        try:
            self._handler(*request)
        except Exception:  # Granian answers a request with 500 when it is dropped without an answer
            logger.exception("a request was not answered")


def body_size(request: GranianRequest) -> int:
    """Return the number of bytes that the body takes in memory."""
    size: int = request[1].get(BODY_SIZE, 0)
    return size


def is_probe(scope: dict[str, Any]) -> bool:
    """Return whether the request comes from monitoring: HEAD, or a path in PROBES."""
    return scope["REQUEST_METHOD"] == "HEAD" or scope["PATH_INFO"].rstrip("/") in PROBES


def install(admission: Admission) -> None:
    """Put the queue in front of the application; call it before Granian loads the application.

    Granian 2.8 sends each request to the result of `_wsgi_call_wrap`, and has no public hook for this. If
    another version changes that, tests/integration/test_overload.py fails.
    """
    wrap = mp._wsgi_call_wrap  # type: ignore[attr-defined]
    mp._wsgi_call_wrap = lambda *application: admission.in_front_of(wrap(*application))  # type: ignore[attr-defined]


class RetryTimes:
    """The times at which refused clients may retry: RETRIES_PER_SECOND clients in each second.

    One fixed delay would be too long for a few clients and too short for many: all of them would return at
    once, and the API would refuse requests instead of serving them.
    """

    def __init__(self) -> None:
        self._latest = 0.0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Return the delay for the next refused client, in whole seconds, as Retry-After needs it."""
        now = perf_counter()
        with self._lock:
            self._latest = max(self._latest, now) + 1 / RETRIES_PER_SECOND
            return min(ceil(self._latest - now), LONGEST_RETRY_SECONDS)


class RefusalMiddleware:
    """The middleware that refuses marked requests: after routing, for the counters, and before any work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._retry_times = RetryTimes()

    def process_resource(
        self, req: Request, _resp: Response, _resource: object, _params: dict[str, Any]
    ) -> None:
        """Raise Problem or DatabaseUnavailableError if Admission has marked the request as refused."""
        if REFUSED not in req.env:
            return
        # To a body that is late, Bodies has sent the answer already: here it is counted.
        if (problem := req.env[REFUSED]) is not None:
            raise problem
        # If the database is silent, all places wait for it. Then it is the reason to report.
        if self._database.is_silent(WAIT_SECONDS):
            raise DatabaseUnavailableError("the database does not answer")
        raise overloaded(self._retry_times.next())


def overloaded(seconds: int) -> Problem:
    """Return the 503 that asks the client to retry after this many seconds."""
    problem = Problem.of("overloaded", seconds=seconds)
    problem.retry_after = seconds
    return problem

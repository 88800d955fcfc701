"""Who is served, who waits, and who is told to come again later.

Granian's own queue does not say how long a request has waited in it. So a few more threads than may be at
work empty it at once: a request that finds all places taken waits here, as an object and without a thread,
and its thread goes for the next one. Whoever is done with a request goes on with the one that has waited
longest. One that could not begin within WAIT_SECONDS is refused, which costs a fraction of serving it; and
because it waited first, users who ask again at once do not keep the API busy with refusals.

Probes do not wait: that there is much to do is no illness.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from io import BytesIO
from math import ceil
from time import perf_counter, sleep
from typing import Any

from falcon import Request, Response
from granian.server import mp

from api.db import Database, DatabaseUnavailableError
from api.problems import Problem

logger = logging.getLogger("api.admission")

#: Until a request that could not begin is refused: half of the second within which it is to know.
WAIT_SECONDS = 0.5
#: How much longer it may be until somebody looks.
LOOK_SECONDS = 0.05
#: Threads beyond those at work: one empties the queue while others are held by probes.
SPARE_THREADS = 4
#: Of those whom a process refused, so many are asked to come again in each second. A refusal costs half as
#: much as an answer: these few, refused once more, take little from those who are served.
APPOINTMENTS_PER_SECOND = 25
#: Nobody is sent away for longer.
LONGEST_SECONDS = 30
#: Bytes of all the bodies that wait; one that is too much is refused at once where it would have to.
MOST_KEPT = 16 * 1024 * 1024
PROBES = {"/health", "/metrics"}

#: In the WSGI environment: when the request came, as perf_counter() has it, and whether it is refused.
ARRIVED = "api.arrived"
REFUSED = "api.refused"

#: A request as Granian has it, to be answered through the first, by any thread and at any time.
Waiting = tuple[Any, dict[str, Any]]
Answer = Callable[[Any, dict[str, Any]], object]


class Admission:
    """Between Granian and the application: at most `places` requests at work."""

    def __init__(self, places: int) -> None:
        self._size = places
        self._places = places
        self._waiting: deque[Waiting] = deque()
        self._kept = 0
        self._lock = threading.Lock()

    @property
    def at_work(self) -> int:
        """Requests, without probes."""
        return self._size - self._places

    @property
    def waiting(self) -> int:
        """Requests."""
        return len(self._waiting)

    def before(self, answer: Answer) -> Admission:
        """Let those in who are to be answered."""
        self._answer = answer
        threading.Thread(target=self._look, name="admission", daemon=True).start()
        return self

    def __call__(self, protocol: Any, scope: dict[str, Any]) -> None:
        scope[ARRIVED] = perf_counter()
        if is_probe(scope):
            self._answer(protocol, scope)
        elif self._take_place():
            self._work((protocol, scope))
        elif self._has_room(body_length(scope)):
            keep_body(scope)
            self._wait((protocol, scope))
        else:
            self._refuse((protocol, scope))

    def _has_room(self, length: int | None) -> bool:
        return length is not None and self._kept + length <= MOST_KEPT

    def _take_place(self) -> bool:
        with self._lock:
            free = self._places > 0
            self._places -= free
        return free

    def _wait(self, waiting: Waiting) -> None:
        with self._lock:
            self._waiting.append(waiting)
            self._kept += body_length(waiting[1]) or 0
        # The places may all have become free meanwhile, with nobody left to look.
        if self._take_place():
            self._work(None)

    def _work(self, request: Waiting | None) -> None:
        """On a place, which goes on to who has waited longest."""
        while request := request or self._next():
            self._try(request)
            request = None

    def _next(self) -> Waiting | None:
        with self._lock:
            if self._waiting:
                return self._leave()
            self._places += 1
            return None

    def _leave(self) -> Waiting:
        """Under the lock: who has waited longest waits no more."""
        request = self._waiting.popleft()
        self._kept -= body_length(request[1]) or 0
        return request

    def _look(self) -> None:
        while True:
            sleep(LOOK_SECONDS)
            while late := self._next_late():
                self._refuse(late)

    def _next_late(self) -> Waiting | None:
        with self._lock:
            if self._waiting and perf_counter() - self._waiting[0][1][ARRIVED] > WAIT_SECONDS:
                return self._leave()
            return None

    def _refuse(self, request: Waiting) -> None:
        request[1][REFUSED] = True
        self._try(request)

    def _try(self, request: Waiting) -> None:
        try:
            self._answer(*request)
        except Exception:  # Granian answers 500 for what is dropped without an answer
            logger.exception("a request was not answered")


def body_length(scope: dict[str, Any]) -> int | None:
    """In bytes; None where that is not said beforehand."""
    length = scope.get("CONTENT_LENGTH", "0")
    return int(length) if "HTTP_TRANSFER_ENCODING" not in scope and length.isdigit() else None


def keep_body(scope: dict[str, Any]) -> None:
    """Read it now: Granian closes what is not read when its call returns."""
    if length := body_length(scope):
        scope["wsgi.input"] = BytesIO(scope["wsgi.input"].read(length))


def is_probe(scope: dict[str, Any]) -> bool:
    return scope["REQUEST_METHOD"] == "HEAD" or scope["PATH_INFO"].rstrip("/") in PROBES


def install(admission: Admission) -> None:
    """In this process, before Granian takes the application.

    Granian 2.8 hands each request to what `_wsgi_call_wrap` makes of the application; there is no public
    way in between. If another version does otherwise, tests/integration/test_overload.py fails.
    """
    wrap = mp._wsgi_call_wrap  # type: ignore[attr-defined]
    mp._wsgi_call_wrap = lambda *application: admission.before(wrap(*application))  # type: ignore[attr-defined]


class Appointments:
    """When who is refused may come again: so many a second, one behind the other.

    The same time for all would be too long for a few, and too short for a crowd: it would be back at once
    and have the API refuse rather than serve.
    """

    def __init__(self) -> None:
        self._newest = 0.0
        self._lock = threading.Lock()

    def next(self) -> int:
        """Seconds from now, whole as Retry-After has them."""
        now = perf_counter()
        with self._lock:
            self._newest = max(self._newest, now) + 1 / APPOINTMENTS_PER_SECOND
            return min(ceil(self._newest - now), LONGEST_SECONDS)


class Refusing:
    """Middleware: when the route is known, so that it is counted, and before anything is done."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._appointments = Appointments()

    def process_resource(
        self, req: Request, _resp: Response, _resource: object, _params: dict[str, Any]
    ) -> None:
        if REFUSED not in req.env:
            return
        if self._database.is_silent(WAIT_SECONDS):  # it is what all the others wait for
            raise DatabaseUnavailableError("it gives no sign of life")
        raise overloaded(self._appointments.next())


def overloaded(seconds: int) -> Problem:
    problem = Problem.of("overloaded", seconds=seconds)
    problem.retry_after = seconds
    return problem

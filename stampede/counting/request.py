"""One request as user code reports it: it is read once, for all that count it."""

from __future__ import annotations

import time
from typing import Any

from stampede.counting import readable
from stampede.counting.names import Route
from stampede.counting.readable import MOST_MS

DUE = "stampede_due"
"""The key in the context of a paced user's request for when it was due, in seconds since the epoch. Only the
first request of a task is due; the later ones have None."""

NO_ANSWER = 0
"""The status of a request without a complete answer."""

MOST_STATUS = 99_999
"""The highest number that counts as a status."""


class Request:
    """A request that has just been answered or has failed."""

    __slots__ = (
        "due",
        "is_answered",
        "is_failed",
        "is_paced",
        "milliseconds",
        "route",
        "second",
        "sent",
        "status",
    )

    def __init__(
        self,
        route: Route,
        response_time: object = None,
        exception: object = None,
        context: Any = None,
        start_time: object = None,
        response: object = None,
    ) -> None:
        """Take arguments of Locust's request event. Values that cannot be read raise nothing."""
        now = time.time()
        self.route = route
        self.second = int(now)
        """The second in which it was answered, since the epoch."""
        if not (type(response_time) is float and 0.0 <= response_time < MOST_MS):
            response_time = readable.milliseconds(response_time)
        self.milliseconds = response_time
        """The response time; None where it cannot be read."""
        self.sent = readable.sent_at(start_time, now, response_time)
        """When it was sent, in seconds since the epoch."""
        status = readable.status(response)
        self.status = http_status(status)
        self.is_failed = exception is not None
        self.is_answered = exception is None or readable.is_status(status)
        """Whether an answer came. A success without a status counts as one: its client is not HTTP."""
        self.is_paced = isinstance(context, dict) and DUE in context
        self.due: float | None = context[DUE] if self.is_paced else None
        """When a paced user was to send it, in seconds since the epoch; None where it follows another one."""


def http_status(status: object) -> int:
    """Return the status, or NO_ANSWER for what is none: a client that is not HTTP has its own ("OK")."""
    return int(status) if isinstance(status, int) and 0 < status <= MOST_STATUS else NO_ANSWER

"""What workers count of each request and each user, and the master adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stampede.counting import readable
from stampede.counting.ended_users import EndedUsers
from stampede.counting.errors import Errors
from stampede.counting.exceptions import Exceptions, place
from stampede.counting.latency import Latencies
from stampede.counting.names import Names
from stampede.counting.outcomes import Outcomes
from stampede.counting.request import Request
from stampede.counting.steps import Steps
from stampede.counting.unreported import Unreported

ENDS_ON_PURPOSE = ("StopUser", "StopTest")
"""Exceptions of Locust's with which a user ends itself."""


class Counts:
    """The counts of one worker since its last report; on the master, of all workers in a run.

    The verdict rests on these alone: a locustfile may reset or change all statistics of Locust's.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.steps = Steps()
        """The older seconds of a run, on the master."""
        self.latencies = Latencies(self.names, self.steps)
        self.outcomes = Outcomes(self.names, self.steps)
        self.errors = Errors(self.names)
        self.exceptions = Exceptions()
        self.ended_users = EndedUsers(self.steps)
        self.unreported = Unreported()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self.names.clear()
        self.steps.clear()
        for series in (self.latencies, self.outcomes, self.ended_users):
            self.steps.add_series(series)
        for part in self._parts:
            part.clear()

    def stop(self) -> None:
        """Keep requests apart that are sent from now on, as the run stops."""
        self.latencies.stop()
        self.outcomes.stop()

    def count(
        self,
        request_type: Any = "",
        name: Any = "",
        response_time: Any = None,
        exception: Any = None,
        context: Any = None,
        start_time: Any = None,
        response: Any = None,
        **_: Any,
    ) -> None:
        """Count one request; the arguments are those of Locust's request event, and may have any value."""
        route = self.names.of(*readable.route(request_type, name))
        if exception is not None and not isinstance(exception, BaseException) and not exception:
            exception = None  # such as "": Locust counts it as no error
        request = Request(route, response_time, exception, context, start_time, response)
        self.latencies.count(request)
        self.outcomes.count(request)
        if exception is not None:
            self.errors.count(*route, exception, response)

    def count_exception(self, user_instance: Any, exception: BaseException, **_: Any) -> None:
        """Count an exception of a user; the arguments are those of Locust's user_error event."""
        user = getattr(user_instance, "user", user_instance)  # a task set reports itself
        user._counted_exception = exception
        self.exceptions.count(exception)

    def count_ended_user(self, user: Any, error: BaseException, is_stopped: bool) -> None:
        """Count a user that has ended by what it raised. One that was stopped before is not missing.

        An exception other than Locust's own also counts as one of the users' exceptions, once.
        """
        cause = type(error).__name__
        if isinstance(error, Exception) and cause not in ENDS_ON_PURPOSE:
            cause += f" at {place(error)}"
            if getattr(user, "_counted_exception", None) is not error:
                self.exceptions.count(error)
        if not is_stopped:
            self.ended_users.count(cause)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's report."""
        self.names.clear()
        for part in self._parts:
            part.hand_over(report)

    def pack(self, before: int) -> None:
        """Keep the seconds before this one in less space."""
        self.latencies.pack(before)
        self.outcomes.pack(before)

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        for part in self._parts:
            part.add(report)

    @property
    def _parts(self) -> tuple[Latencies | Outcomes | Errors | Exceptions | EndedUsers | Unreported, ...]:
        of_requests = self.latencies, self.outcomes, self.errors, self.unreported
        return (*of_requests, self.exceptions, self.ended_users)

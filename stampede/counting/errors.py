"""Failed requests, by method, name and text of the error, each with a sample.

Locust counts them too, but a locustfile may reset its counts. A sample is the first response of an error, so
that the request can be found in the API's log.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import convert, to_builtins

from stampede.counting.names import Names, Route
from stampede.counting.readable import shortened, text
from stampede.counting.request import http_status
from stampede.facts.run_json import ErrorFacts, ErrorSample

KEY = "stampede_errors"
"""The key of the errors in a worker's report."""

REQUEST_ID = "X-Request-ID"
"""The response header with the id under which the API has logged the request."""

MAX_ERRORS = 1000
"""Different errors that are told apart. Their number needs a limit, as the text of each can differ."""

MAX_ERRORS_OF_ROUTE = 20
"""Different errors of one route that are told apart, so that one route leaves room for others."""

MAX_SAMPLES = 100
"""Errors that have a sample."""

OTHERS = "other errors"
"""The text that counts the errors of a route beyond both limits."""

LONGEST_ERROR = 400
"""Characters of the text of an error. The API writes its reason phrase and its redirects into it."""

LONGEST_ARGUMENT = 300
"""Characters of the text in an exception: `HTTPError('500 Server Error: …')`. The brackets stay."""

LONGEST_REQUEST_ID = 100
"""Characters of the id of a request."""

MAX_BODY_LENGTH = 500
"""Characters of a response body that are kept."""

ADDRESS = re.compile("0x[0-9a-f]+")
"""The address of an object in memory, which differs between workers."""

ErrorKey = tuple[str, str, str]
"""The method, name and text of an error."""


@dataclass(slots=True)
class _Error:
    """How often an error occurred, and the times of its first and last occurrence."""

    occurrences: int
    first_at: float
    last_at: float
    sample: ErrorSample | None


class Errors:
    """The errors of one worker since its last report; on the master, of all workers in a run."""

    def __init__(self, names: Names | None = None) -> None:
        """Begin without errors. `names` limits the names in the workers' reports."""
        self._names = names or Names()
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._errors: dict[ErrorKey, _Error] = {}
        self._of_route: Counter[Route] = Counter()
        self._sampled: set[ErrorKey] = set()

    def count(self, method: str, name: str, exception: object, response: object) -> None:
        """Count one failed request. `exception` is an exception or a text."""
        now = time.time()
        key = self._key(method, name, shown(exception))
        error = self._errors.get(key)
        if error is None:
            sample = _sample(response) if self._may_sample(key) else None
            error = self._new(key, _Error(0, now, now, sample))
        error.occurrences += 1
        error.last_at = now

    def _may_sample(self, key: ErrorKey) -> bool:
        """Return whether an error gets a sample: each gets one in a run, and not in each report."""
        if key in self._sampled or len(self._sampled) >= MAX_SAMPLES:
            return False
        self._sampled.add(key)
        return True

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the errors into a worker's report."""
        report[KEY] = [
            (*key, error.occurrences, error.first_at, error.last_at, to_builtins(error.sample))
            for key, error in self._errors.items()
        ]
        self._errors = {}
        self._of_route.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the errors of a worker's report."""
        for method, name, shown, occurrences, first_at, last_at, sample in report[KEY]:
            key = self._key(*self._names.of(method, name), shown)
            error = self._errors.get(key) or self._new(key, _Error(0, first_at, last_at, None))
            error.occurrences += occurrences
            error.first_at = min(error.first_at, first_at)
            error.last_at = max(error.last_at, last_at)
            error.sample = error.sample or convert(sample, ErrorSample | None)

    def _key(self, method: str, name: str, shown: str) -> ErrorKey:
        key = method, name, shown
        if key in self._errors:
            return key
        has_room = len(self._errors) < MAX_ERRORS and self._of_route[method, name] < MAX_ERRORS_OF_ROUTE
        return key if has_room else (method, name, OTHERS)

    def _new(self, key: ErrorKey, error: _Error) -> _Error:
        self._errors[key] = error
        self._of_route[key[:2]] += 1
        return error

    def facts(self) -> list[ErrorFacts]:
        """Return the errors of the run, in the order in which they first became known."""
        return [
            ErrorFacts(
                method=method,
                name=name,
                error=shown,
                occurrences=error.occurrences,
                first_at=error.first_at,
                last_at=error.last_at,
                sample=error.sample,
            )
            for (method, name, shown), error in self._errors.items()
        ]


def shown(exception: object) -> str:
    """Return the text of an error, as Locust shows it: the exception's repr, without addresses in memory."""
    try:
        shown = exception if isinstance(exception, str) else _repr(exception)
    except Exception:  # the repr of a locustfile's own exception may raise anything
        shown = f"{type(exception).__name__}()"
    return shortened(ADDRESS.sub("0x....", text(shown)), LONGEST_ERROR)


def _repr(exception: object) -> str:
    """Return the repr of an exception; a long text in it, which may be a whole answer, is cut first."""
    match exception:
        case BaseException(args=(str(argument),)) if len(argument) > LONGEST_ARGUMENT:
            if type(exception).__repr__ is BaseException.__repr__:
                return f"{type(exception).__name__}({shortened(argument, LONGEST_ARGUMENT)!r})"
    return repr(exception)


def _sample(response: object) -> ErrorSample:
    """Return the sample of a response; the response of a custom client can hold values of any type."""
    headers = getattr(response, "headers", None)
    request_id = headers.get(REQUEST_ID) if isinstance(headers, Mapping) else None
    return ErrorSample(
        status=http_status(getattr(response, "status_code", None)) or None,
        body=_body(response),
        request_id=shortened(text(request_id), LONGEST_REQUEST_ID) if isinstance(request_id, str) else None,
    )


def _body(response: object) -> str | None:
    """Return the beginning of the body, or None where it was not read."""
    content = content_read(response)
    if content is None:
        return None
    return content[: 4 * MAX_BODY_LENGTH].decode("utf-8", "replace")[:MAX_BODY_LENGTH]


def content_read(response: object) -> bytes | None:
    """Return the body of a response, or None where it was not read: a stream is left to the user."""
    for name in ("_cached_content", "_content"):  # of responses of FastHttpUser, of HttpUser
        content = getattr(response, name, None)
        if isinstance(content, bytes):
            return content
    return None

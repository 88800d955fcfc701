"""A sample of each error: its first response, so that the request can be found in the API's log.

Locust counts errors by method, name and text, with the times of the first and the last. It keeps no response.
Here a worker keeps one response of each error and puts it into its next report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import convert, to_builtins

from stampede.counting import readable
from stampede.counting.outcomes import http_status
from stampede.facts.run_json import ErrorSample

KEY = "stampede_errors"
"""The key of the samples in a worker's report."""

REQUEST_ID = "X-Request-ID"
"""The response header with the id under which the API has logged the request."""

MAX_SAMPLES = 100
"""Errors that have a sample. Their number needs a limit, as the text of an error can differ each time."""

MAX_BODY_LENGTH = 500
"""Characters of a response body that are kept."""

ADDRESS = re.compile("0x[0-9a-f]+")
"""The address of an object in memory, which differs between workers."""

ErrorKey = tuple[str, str, str]
"""The method, name and text of an error, as Locust counts them."""


class ErrorSamples:
    """The samples of one worker; on the master, of all workers in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._samples: dict[ErrorKey, ErrorSample] = {}
        self._new: dict[ErrorKey, ErrorSample] = {}

    def count(
        self, request_type: str, name: str, exception: Any = None, response: Any = None, **_: Any
    ) -> None:
        """Keep a sample if the request has a new error; the arguments are those of Locust's request event."""
        if exception is None or len(self._samples) >= MAX_SAMPLES:
            return
        error = _key(request_type, name, repr(exception))
        if error not in self._samples:
            self._samples[error] = self._new[error] = _sample(response)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the new samples into a worker's report."""
        report[KEY] = [(*error, to_builtins(sample)) for error, sample in self._new.items()]
        self._new = {}

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the samples of a worker's report."""
        for method, name, text, sample in report.get(KEY, ()):
            self._samples.setdefault((method, name, text), convert(sample, ErrorSample))

    def find(self, method: str, name: str, text: str) -> ErrorSample | None:
        """Return the sample of an error that has this text in Locust, or None where there is none."""
        return self._samples.get(_key(method, name, text))


def _key(method: str, name: str, text: str) -> ErrorKey:
    return readable.text(method), readable.text(name), ADDRESS.sub("0x....", text)


def _sample(response: Any) -> ErrorSample:
    """Return the sample of a response; the response of somebody's own client can hold values of any type."""
    headers = getattr(response, "headers", None)
    request_id = headers.get(REQUEST_ID) if isinstance(headers, Mapping) else None
    return ErrorSample(
        status=http_status(getattr(response, "status_code", None)) or None,
        body=_body(response),
        request_id=request_id if isinstance(request_id, str) else None,
    )


def _body(response: Any) -> str | None:
    """Return the beginning of the body, or None where it was not read: a stream is left to the user."""
    for name in ("_cached_content", "_content"):  # of responses of FastHttpUser, of HttpUser
        content = getattr(response, name, None)
        if isinstance(content, bytes):
            return content[: 4 * MAX_BODY_LENGTH].decode("utf-8", "replace")[:MAX_BODY_LENGTH]
    return None

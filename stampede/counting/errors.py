"""A sample of each error: the first answer that was one, so that its request can be found in the API's log.

Locust counts errors by method, name and text, and says when they came. What came stands here: a worker keeps
one answer of each, and hands it over with its next report.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import convert, to_builtins

from stampede.facts.run import ErrorSample

KEY = "stampede_errors"
"""Where the samples stand in a worker's report."""

REQUEST_ID = "X-Request-ID"
"""The header in which an API says under which name it logged a request."""

MOST = 100
"""Errors that a sample is kept of: whose texts differ each time have no end."""

LONGEST_BODY = 500
"""Characters of an answer that are kept."""

ADDRESS = re.compile("0x[0-9a-f]+")
"""Where an object lies in memory: it differs from worker to worker."""

ErrorKey = tuple[str, str, str]
"""Method, name and text of an error, as Locust counts them."""


class ErrorSamples:
    """Those of one worker, or on the master those of all of them in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: a run begins."""
        self._samples: dict[ErrorKey, ErrorSample] = {}
        self._new: dict[ErrorKey, ErrorSample] = {}

    def count(
        self, request_type: str, name: str, exception: Any = None, response: Any = None, **_: Any
    ) -> None:
        """Look at one request; the arguments are those of Locust's request event."""
        if exception is None or len(self._samples) >= MOST:
            return
        error = _key(request_type, name, repr(exception))
        if error not in self._samples:
            self._samples[error] = self._new[error] = _sample(response)

    def hand_over(self, report: dict[str, Any]) -> None:
        """Put what is new into a worker's report."""
        report[KEY] = [(*error, to_builtins(sample)) for error, sample in self._new.items()]
        self._new = {}

    def add(self, report: Mapping[str, Any]) -> None:
        """Add what stands in a worker's report."""
        for method, name, text, sample in report.get(KEY, ()):
            self._samples.setdefault((method, name, text), convert(sample, ErrorSample))

    def of(self, method: str, name: str, text: str) -> ErrorSample | None:
        """The sample of an error that Locust keeps with this text; None where there is none."""
        return self._samples.get(_key(method, name, text))


def _key(method: str, name: str, text: str) -> ErrorKey:
    return method, name, ADDRESS.sub("0x....", text)


def _sample(response: Any) -> ErrorSample:
    headers = getattr(response, "headers", None) or {}
    return ErrorSample(
        status=getattr(response, "status_code", None) or None,
        body=_body(response),
        request_id=headers.get(REQUEST_ID),
    )


def _body(response: Any) -> str | None:
    """The beginning of what was read of it: a stream is its user's to read."""
    for name in ("_cached_content", "_content"):  # of FastHttpUser's and of HttpUser's answers
        content = getattr(response, name, None)
        if isinstance(content, bytes):
            return content[: 4 * LONGEST_BODY].decode("utf-8", "replace")[:LONGEST_BODY]
    return None

"""The version of the API under test, from its OpenAPI document (`info.version`)."""

from __future__ import annotations

import json
from http.client import HTTPException

import gevent

from stampede.sampling.target_client import opener

PATH = "/openapi.json"

TIMEOUT = 2.0
"""Seconds for the whole answer."""

MOST_BYTES = 4_000_000
"""The size of the largest document that is read."""

LONGEST = 100
"""Characters of the longest version."""


def read(host: str | None) -> str | None:
    """Return the version that the API at `host` states; None where it states none within TIMEOUT."""
    if not host or not host.startswith(("http://", "https://")):
        return None
    return gevent.with_timeout(TIMEOUT, _read, host.rstrip("/") + PATH, timeout_value=None)


def _read(url: str) -> str | None:
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            content = answer.read(MOST_BYTES + 1)
        version = json.loads(content)["info"]["version"] if len(content) <= MOST_BYTES else None
    except (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError):
        return None  # no answer, or no OpenAPI document
    return version.strip()[:LONGEST] or None if isinstance(version, str) else None

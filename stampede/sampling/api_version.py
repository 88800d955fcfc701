"""The version of the API under test, from its OpenAPI document (`info.version`)."""

from __future__ import annotations

from http.client import HTTPException
from typing import Any

from msgspec import MsgspecError, Struct, json

from stampede.sampling import target_client

PATH = "/openapi.json"

TIMEOUT = 2.0
"""Seconds for the whole answer."""

MOST_BYTES = 4_000_000
"""The size of the largest document that is read."""

LONGEST = 100
"""Characters of the longest version."""


class _Info(Struct):
    version: Any = None


class _Document(Struct):
    info: _Info


def read(host: str | None) -> str | None:
    """Return the version that the API at `host` states; None where it states none within TIMEOUT."""
    if not host or not host.startswith(("http://", "https://")):
        return None
    try:
        answer = target_client.fetch(host.rstrip("/") + PATH, seconds=TIMEOUT, most_bytes=MOST_BYTES)
        version = json.decode(answer.body, type=_Document).info.version if answer.status == 200 else None
    except (OSError, HTTPException, MsgspecError, UnicodeDecodeError, RecursionError):
        return None  # no answer, or no OpenAPI document
    return version.strip()[:LONGEST] or None if isinstance(version, str) else None

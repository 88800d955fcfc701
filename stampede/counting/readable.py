"""Reads what user code reports: a name, a time or a note can be a value of any type. Pure.

A locustfile fires Locust's request event itself for a client that is not HTTP. Such a request counts whatever
its name and its time are. What cannot be sent to the master is sent in a readable form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from math import inf

MOST_CHARACTERS = 1_000
"""Characters of a name that are kept."""

MOST_LEVELS = 20
"""Levels of lists and mappings, one in another, that are sent."""

MOST_BYTES = 2**50
"""The largest length that is kept, a petabyte: the API may state any."""

MOST_MS = 1e9
"""The longest time that is kept, eleven days: a longer one counts as this one."""


def text(value: object) -> str:
    """Return a value as text that can be sent and written: raises nothing.

    It has MOST_CHARACTERS at most. A lone surrogate, which UTF-8 cannot represent, becomes a question mark.
    """
    if type(value) is str and value.isascii() and len(value) <= MOST_CHARACTERS:  # nearly always
        return value
    try:
        whole = str(value)
    except Exception:  # the __str__ of user code
        whole = f"<{type(value).__name__}>"
    return whole[:MOST_CHARACTERS].encode("utf-8", "replace").decode()


def route(method: object, name: object) -> tuple[str, str]:
    """Return a method and a name as texts that can be sent and written: raises nothing."""
    if type(method) is str and type(name) is str and len(name) <= MOST_CHARACTERS:
        return _known_route(method, name)
    return text(method), text(name)


@lru_cache(2_000)
def _known_route(method: str, name: str) -> tuple[str, str]:
    return text(method), text(name)


def shortened(text: str, most: int) -> str:
    """Return a text of `most` characters at most."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def milliseconds(value: object) -> float | None:
    """Return a time in ms, MOST_MS at most; None for what is no time: NaN, infinite, negative, a text."""
    if isinstance(value, (float, int)) and 0 <= value < inf:
        return float(min(value, MOST_MS))
    return None


def length(value: object) -> float:
    """Return a number of bytes, MOST_BYTES at most; 0 for what is none: NaN, infinite, negative, a text."""
    return min(value, MOST_BYTES) if isinstance(value, (float, int)) and 0 <= value < inf else 0


def sent_at(start_time: object, answered_at: float, response_time: float | None) -> float:
    """Return when a request was sent, in seconds since the epoch: `start_time`, if it is a time.

    Without it, the response time in ms is subtracted from the time of the answer.
    """
    if isinstance(start_time, (float, int)) and 0 < start_time < inf:
        return float(start_time)
    return answered_at - (response_time or 0.0) / 1000


def status(response: object) -> object:
    """Return the status of a response; None where there is no response, or its status cannot be read."""
    try:
        return getattr(response, "status_code", None)
    except Exception:  # a property of user code
        return None


def is_status(found: object) -> bool:
    """Return whether an answer has this status: a request that was refused, timed out or cut off has none."""
    return found is not None and not (isinstance(found, int) and found == 0)


def sendable(value: object, depth: int = MOST_LEVELS) -> object:
    """Return a value that msgpack can send: what it cannot send becomes text. Raises nothing.

    Mappings and lists are searched for such values, `depth` levels deep.
    """
    match value:
        case None | bool() | float() | bytes() | datetime():
            return value
        case str():
            return value.encode("utf-8", "replace").decode()
        case int():
            return value if -(2**63) <= value < 2**64 else text(value)
        case Mapping() if depth:
            return {_sendable_key(key): sendable(item, depth - 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [sendable(item, depth - 1) for item in value]
    return text(value)


def _sendable_key(key: object) -> object:
    return key if isinstance(key, int) else text(key)

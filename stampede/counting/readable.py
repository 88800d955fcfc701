"""Readable forms of the values that a locustfile reports: any value can be counted and sent to the master."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

MAX_LENGTH = 1000
"""Characters of a text that are kept."""

MAX_DEPTH = 20
"""Levels of lists and mappings, one in another, that are sent."""


def text(value: object) -> str:
    """Return a value as text of at most MAX_LENGTH characters, in which UTF-8 can encode each character.

    Raises nothing: a value whose str() raises is shown by the name of its class.
    """
    if type(value) is str and value.isascii() and len(value) <= MAX_LENGTH:  # nearly always
        return value
    try:
        shown = str(value)
    except Exception:
        shown = f"<{type(value).__name__}>"
    return shown[:MAX_LENGTH].encode("utf-8", "replace").decode()


def sendable(value: object, depth: int = MAX_DEPTH) -> object:
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

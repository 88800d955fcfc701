"""The answer to a request, and the checks of an answer.

The API may answer with anything: what a task reads of an answer is checked here. Needs nothing but Python.
"""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

NOT_READ = object()
"""Stands for a body that is not parsed yet."""

LARGEST = 2**63
"""Numbers from here on are not possible: the API's ids and amounts have 63 bits."""


class Answer:
    """An answer of the shop.

    `status` is 0 if no complete answer came: the server may or may not have done what the request asked for.
    """

    __slots__ = ("_body", "content", "media_type", "retry_after", "status")

    def __init__(self, status: int, content: bytes, media_type: str = "", retry_after: float = 0) -> None:
        self.status = status
        self.content = content
        self.media_type = media_type
        self.retry_after = retry_after
        """Seconds from the Retry-After of a 503; 0 without one."""
        self._body: Any = NOT_READ

    def json(self) -> Any:
        """Return the body, which must not be changed. Raise ValueError if it is not JSON."""
        if self._body is NOT_READ:
            try:
                self._body = json.loads(self.content)
            except RecursionError as error:
                raise ValueError("the JSON is nested too deep") from error
        return self._body

    @property
    def object(self) -> Json:
        """The JSON object in the body; an empty one if it is none."""
        try:
            body = self.json()
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def id(self) -> int | None:
        """The id of the object in the body, over 0; None if it has none."""
        return whole_number(self.object.get("id")) or None

    def lines(self, name: str) -> list[Json]:
        """Return the JSON objects in a list of the body; none if there is no such list."""
        lines = self.object.get(name)
        return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []

    def ids(self, name: str) -> list[int]:
        """Return the ids of the objects in a list of the body, as far as they are possible."""
        ids = [line.get("id") for line in self.lines(name)]
        return [each for each in ids if type(each) is int and 0 < each < LARGEST]

    @property
    def outcome(self) -> str:
        """``ok``, ``refused``, or ``unknown``: then the request may still have taken effect."""
        if self.status == 0 or self.status >= 500:
            return "unknown"
        return "ok" if self.status < 400 else "refused"


Check = Callable[[Answer], str | None]
"""Returns what is wrong with an answer, without ids, or None."""


def number(value: Any) -> int | float | None:
    """Return the value if it is a number that the API can have, else None: NaN, a text, one of 70 bits."""
    is_number = type(value) is int or type(value) is float  # a bool is none
    return value if is_number and -LARGEST < value < LARGEST else None


def whole_number(value: Any) -> int | None:
    """Return the value if it is a whole number that the API can have, else None."""
    return value if type(value) is int and -LARGEST < value < LARGEST else None

"""The answer to a request, and the checks of an answer.

Needs nothing but Python.
"""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Answer:
    """An answer of the shop.

    `status` is 0 if no complete answer came: the server may or may not have done what the request asked for.
    """

    __slots__ = ("content", "media_type", "retry_after", "status")

    def __init__(self, status: int, content: bytes, media_type: str = "", retry_after: float = 0) -> None:
        self.status = status
        self.content = content
        self.media_type = media_type
        self.retry_after = retry_after
        """Seconds from the Retry-After of a 503; 0 without one."""

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def outcome(self) -> str:
        """``ok``, ``refused``, or ``unknown``: then the request may still have taken effect."""
        if self.status == 0 or self.status >= 500:
            return "unknown"
        return "ok" if self.status < 400 else "refused"


Check = Callable[[Answer], str | None]
"""Returns what is wrong with an answer, without ids, or None."""

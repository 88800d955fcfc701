"""What came back from the shop, whatever was asked.

Needs nothing but Python.
"""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]


class Answer:
    """What came back. `status` is 0 without a complete answer: what the server did is then unknown."""

    __slots__ = ("content", "media_type", "retry_after", "status")

    def __init__(self, status: int, content: bytes, media_type: str = "", retry_after: float = 0) -> None:
        self.status = status
        self.content = content
        self.media_type = media_type
        self.retry_after = retry_after
        """Seconds after which a 503 says to come back; 0 where it does not."""

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def outcome(self) -> str:
        """``ok``, ``refused``, or ``unknown``: it may have been done all the same."""
        if self.status == 0 or self.status >= 500:
            return "unknown"
        return "ok" if self.status < 400 else "refused"


Check = Callable[[Answer], str | None]
"""Says what is wrong with an answer, without ids, or None."""

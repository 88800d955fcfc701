"""Responses that a locustfile asked for with ``catch_response=True`` and never reported.

Locust counts such a request when its `with` block ends. Without the `with` it counts the request nowhere: it
was sent, and is in no figure.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from stampede.counting.readable import route

logger = logging.getLogger(__name__)

KEY = "stampede_unreported"
"""The key of the counts in a worker's last report of a run."""

MAX_NAMES = 100
"""Different names that are told apart."""

OTHERS = "other names"


class Unreported:
    """The responses of one worker that are not reported yet; on the master, those that never were."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._open: Counter[str] = Counter()
        self._is_over = False

    def opened(self, method: object, name: object) -> str:
        """Note a response that is to be reported at the end of its `with` block; return its key."""
        key = self._key(" ".join(route(method, name)))
        self._open[key] += 1
        return key

    def _key(self, name: str) -> str:
        return name if name in self._open or len(self._open) < MAX_NAMES else OTHERS

    def reported(self, key: str) -> None:
        """Note that the response of that key has been reported."""
        self._open[key] -= 1

    def end(self) -> None:
        """Note that all users have stopped: what is not reported now never will be."""
        self._is_over = True

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the counts into a worker's last report of a run.

        In earlier reports there are none: `with` blocks may be in progress.
        """
        report[KEY] = self.facts() if self._is_over else {}
        for name, count in report[KEY].items():
            logger.warning("%d responses to %s were never reported: catch_response needs `with`", count, name)
        if self._is_over:
            self.clear()

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the counts of a worker's report."""
        for name, count in report[KEY].items():
            self._open[self._key(name)] += count

    def facts(self) -> dict[str, int]:
        """Return the number of responses that were never reported, by method and name."""
        return {name: count for name, count in sorted(self._open.items()) if count > 0}

"""Exceptions that the users' own code raised, by the place where they were raised.

Locust counts those that a task raises. Here those are counted too that end a user outside a task: in
``__init__``, ``on_start``, ``on_stop`` and ``wait_time``, and in pytest-style users.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stampede.counting.readable import shortened, text
from stampede.facts.run_json import NOT_OWN, ExceptionFacts

KEY = "stampede_exceptions"
"""The key of the exceptions in a worker's report."""

MAX_EXCEPTIONS = 200
"""Different exceptions that are told apart."""

LONGEST_MESSAGE = 500
"""Characters of an exception's message, which may have a part of an answer."""

ExceptionKey = tuple[str, str]
"""The name of the exception's class, and its traceback."""


@dataclass(slots=True)
class _Exception:
    """How often an exception was raised, and the message of the first."""

    count: int
    message: str


class Exceptions:
    """The exceptions of one worker since its last report; on the master, of all workers in a run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything at the start of a run."""
        self._exceptions: dict[ExceptionKey, _Exception] = {}

    def count(self, exception: BaseException) -> None:
        """Count an exception that was raised."""
        key = type(exception).__name__, _places(exception)
        self._add(key, 1, shortened(text(exception), LONGEST_MESSAGE))

    def _add(self, key: ExceptionKey, count: int, message: str) -> None:
        if key not in self._exceptions and len(self._exceptions) >= MAX_EXCEPTIONS:
            key, message = ("", ""), "other exceptions"
        self._exceptions.setdefault(key, _Exception(0, message)).count += count

    def hand_over(self, report: dict[str, Any]) -> None:
        """Move the exceptions into a worker's report."""
        report[KEY] = [(*key, each.count, each.message) for key, each in self._exceptions.items()]
        self._exceptions = {}

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the exceptions of a worker's report."""
        for name, places, count, message in report[KEY]:
            self._add((name, places), count, message)

    def facts(self) -> list[ExceptionFacts]:
        """Return the exceptions of the run, in the order in which they first became known."""
        return [
            ExceptionFacts(error=name, count=each.count, message=each.message, traceback=places)
            for (name, places), each in self._exceptions.items()
        ]


def _places(exception: BaseException) -> str:
    """Return the traceback without the exception itself, as Locust shows it."""
    return "".join(traceback.format_tb(exception.__traceback__)).encode("utf-8", "replace").decode()


def place(exception: BaseException) -> str:
    """Return where an exception was raised, its last place outside installed packages: `users.py:14`."""
    frames = traceback.extract_tb(exception.__traceback__)
    own = [frame for frame in frames if not NOT_OWN.search(frame.filename)] or frames
    return f"{own[-1].filename.rpartition('/')[2]}:{own[-1].lineno}" if own else "an unknown place"

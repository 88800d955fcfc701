"""Limits of the answers that users receive: the API may answer with anything.

receiver.py applies them to FastUser, stampede/cluster/fast_answers.py to FastHttpUser, requests_answers.py to
HttpUser. An answer beyond a limit is a
failed request. A user class may set its own limit of a body: ``max_body_size = 200_000_000``, in bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from locust import User

from cgroup import Cgroup
from stampede.http.errors import AnswerError

MEGABYTE = 1024 * 1024

MOST_OF_HEAD = 64 * 1024
"""Bytes of the longest head, with all answers before the final one, and of the longest trailers."""

MOST_OF_BODY = 16 * MEGABYTE
"""Bytes of the longest body: as it is sent, and as it is decoded.

To free more at once takes longer than other greenlets may wait.
"""

FREE = MEGABYTE
"""Bytes of each body that do not count towards MOST_OF_ALL, so that a long body fails no short one."""

MOST_OF_ALL = min(128 * MEGABYTE, (Cgroup().memory_limit() or 1 << 60) // 4)
"""Bytes of all long bodies together that this process is receiving."""

LONGEST_WORK = 0.001
"""Seconds of work for one answer after which other greenlets run."""


def too_long(most: int) -> str:
    """Return what is wrong with a body that has more than `most` bytes."""
    return f"the body is longer than {most / MEGABYTE:,.10g} MiB, the max_body_size of the user class"


TOO_LONG_HEAD = f"the head of the answer is longer than {MOST_OF_HEAD // 1024} KiB"


class Held:
    """The bytes of one body that is being received."""

    total = 0
    """Bytes of all bodies, without the first FREE bytes of each."""

    def __init__(self, most: int) -> None:
        """Begin without bytes. `most` is the size of the longest body."""
        self._most = most
        self._size = 0

    def resize(self, size: int) -> None:
        """Note the size of the body so far. Raises AnswerError if it is beyond a limit."""
        Held.total += max(size, FREE) - max(self._size, FREE)
        self._size = size
        if size > self._most:
            raise AnswerError(too_long(self._most))
        if Held.total > MOST_OF_ALL:
            limit = f"{MOST_OF_ALL / MEGABYTE:,.0f} MiB"
            raise AnswerError(f"the bodies that this worker is receiving are longer than {limit} together")

    def free(self) -> None:
        """Note that the body is no longer being received."""
        Held.total -= max(self._size, FREE) - FREE
        self._size = 0


@contextmanager
def holding(most: int) -> Iterator[Held]:
    """Return the bytes of a body until the end of the block."""
    held = Held(most)
    try:
        yield held
    finally:
        held.free()


def most_of_body(user: User | None) -> int:
    """Return the size of the longest body of a user, in bytes."""
    return int(getattr(user, "max_body_size", MOST_OF_BODY))


class Work:
    """The work of this greenlet for one answer since other greenlets ran."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """Add seconds of work, without waits for the API. Let other greenlets run if these are too many.

        An API that sends without a pause would keep them waiting.
        """
        self._seconds += seconds
        if self._seconds >= LONGEST_WORK:
            gevent.sleep(0)
            self._seconds = 0.0

"""The time limit of a task."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
from gevent import GreenletExit, Timeout

LIMIT = 10.0
"""Seconds for a task, and for each on_start and on_stop."""

GRACE = 2.0
"""Seconds for a task to end when its time is over."""


class NotFinishedError(GreenletExit):
    """A task has not finished within its time.

    It is a GreenletExit, as for a user that is killed: so a request in flight is reported as cut off.
    """


@contextmanager
def limited(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """Raise NotFinishedError in the block after so many seconds; call `give_up` if that does not end it.

    A block that waits is ended by gevent. One that computes never lets gevent run: a signal ends it. A block
    that catches the error goes on, and cannot be ended; `give_up` must then end the process.
    """
    block, over, has_rung = gevent.getcurrent(), NotFinishedError(), False

    def ring(*_: object) -> None:
        nonlocal has_rung
        if has_rung:
            give_up()
        has_rung = True
        if gevent.getcurrent() is block:
            raise over

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE, GRACE)
    try:
        with Timeout(seconds, over):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)

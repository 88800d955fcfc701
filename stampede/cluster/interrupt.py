"""Ctrl-C ends a process as a whole, not whatever it is at work on at that moment.

Python raises KeyboardInterrupt in the code that happens to run. With gevent that is a greenlet among many:
the one that reads the workers' reports, say. It ends, all others go on, and what it was there for is not done
any more. Here the main greenlet is told, which waits for the end and sees a run out.
"""

from __future__ import annotations

import signal

import gevent


def to_main_greenlet() -> None:
    """From now on; SIGTERM is handled so by Locust."""
    gevent.signal_handler(signal.SIGINT, _interrupt_main)


def _interrupt_main() -> None:
    """As gevent does for what ends a greenlet and is meant for the whole."""
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())

"""Ctrl-C ends the whole process, not the greenlet that happens to run.

Python raises KeyboardInterrupt in the code that runs at that moment. With gevent that is one of many
greenlets, for example the one that reads the workers' reports. Only this greenlet would end, and its work
would no longer be done. So the interrupt goes to the main greenlet, which waits for the end of the run.
"""

from __future__ import annotations

import signal

import gevent


def to_main_greenlet() -> None:
    """Raise KeyboardInterrupt in the main greenlet from now on. Locust does the same for SIGTERM."""
    gevent.signal_handler(signal.SIGINT, _interrupt_main)


def _interrupt_main() -> None:
    # gevent's own way to raise an error of a greenlet in the main greenlet.
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())

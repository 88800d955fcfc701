"""Replacements in Locust for what a locustfile's own code does: listeners that raise, `quit()` and `stop()`.

They are made for one version of Locust, like those in patches.py. "Stock" means Locust without them.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from inspect import currentframe
from typing import Any

import locust.log
from locust.event import EventHook
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.runners import Runner

OWN_PACKAGES = ("locust", "stampede")
"""Packages whose calls are not the locustfile's."""

ENDS_ON_PURPOSE = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)
"""Exceptions of Locust's with which a listener ends the user or the task that it is called for."""


def report_failed_listeners(on_error: Callable[[Exception], None]) -> None:
    """Let `on_error` receive what a listener of the locustfile raises, such as one of `test_start`.

    Stock Locust logs it and goes on; a headless process then ends with exit code 2.
    """

    def fire(event: EventHook, *, reverse: bool = False, **arguments: Any) -> None:
        # A copy: listeners may add or remove listeners meanwhile.
        for listener in event._handlers[::-1] if reverse else event._handlers.copy():
            try:
                listener(**arguments)
            except ENDS_ON_PURPOSE:
                raise
            except Exception as error:
                logging.error("Uncaught exception in event handler: \n%s", traceback.format_exc())
                locust.log.unhandled_greenlet_exception = True
                if _package(_module(listener)) not in OWN_PACKAGES:
                    on_error(error)

    EventHook.fire = fire


def stop_by_the_locustfile(runner: Runner, report_stop: Callable[[str], None]) -> None:
    """Let `report_stop` receive what in the locustfile calls `runner.quit()` or `runner.stop()`.

    It must end the run. A stock master ends its process on quit, without waiting for the workers' last
    reports; a stock worker ends its own users only, so that the run goes on with fewer.
    """
    for name in ("quit", "stop"):
        setattr(runner, name, _reporting_the_locustfile(name, getattr(runner, name), report_stop))


def _reporting_the_locustfile(
    name: str, stop: Callable[..., None], report_stop: Callable[[str], None]
) -> Callable[..., None]:
    def stop_or_report(*arguments: Any, **options: Any) -> None:
        caller = getattr(currentframe(), "f_back", None)  # None where it is a greenlet of its own
        if caller is None:
            report_stop(f"runner.{name}()")
        elif _package(caller.f_globals.get("__name__")) in OWN_PACKAGES:
            stop(*arguments, **options)
        else:
            file = caller.f_code.co_filename.rpartition("/")[2]
            report_stop(f"runner.{name}() at {file}:{caller.f_lineno}")

    return stop_or_report


def take_own_listeners(event: EventHook) -> list[Callable[..., None]]:
    """Remove an event's listeners that are neither Locust's nor the engine's, and return them."""
    own = [listener for listener in event._handlers if _package(_module(listener)) not in OWN_PACKAGES]
    for listener in own:
        event.remove_listener(listener)
    return own


def _module(listener: Callable[..., None]) -> str | None:
    return getattr(listener, "__module__", None)


def _package(module: str | None) -> str:
    return (module or "").partition(".")[0]

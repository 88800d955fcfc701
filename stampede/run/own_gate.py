"""The locustfile's own judgement of a run: the exit code that it sets at the end.

Many locustfiles set `environment.process_exit_code` in a listener of `test_stop` or `quitting`. Headless
Locust ends after its run, so `quitting` comes once a run. The master of a cluster goes on. So it calls the
locustfile's listeners of `quitting` at the end of each headless run, and not again when it ends itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from locust.env import Environment

from stampede.cluster import listener_patches

logger = logging.getLogger(__name__)


class OwnGate:
    """The exit code that the locustfile of one master sets for each run."""

    def __init__(self, environment: Environment, on_error: Callable[[Exception], None]) -> None:
        """Read the exit code of this environment. `on_error` receives what a listener raises."""
        self._environment = environment
        self._on_error = on_error
        self._initial: int | None = None
        """What the locustfile has set before the first run."""
        self._has_begun = False
        self._called: list[Callable[..., None]] = []

    def begin(self) -> None:
        """Begin a run: forget the exit code of the run before."""
        if not self._has_begun:
            self._initial, self._has_begun = self._environment.process_exit_code, True
        self._environment.process_exit_code = self._initial
        for listener in self._called:
            self._environment.events.quitting.add_listener(listener)
        self._called = []

    def exit_code(self, *, is_headless: bool) -> int | None:
        """Return the exit code that the locustfile has set for the run that ends; None where it set none."""
        if is_headless:
            self._call_listeners()
        code = self._environment.process_exit_code
        return code if code is None or isinstance(code, int) else 1

    def _call_listeners(self) -> None:
        """Call the locustfile's listeners of `quitting`, the last one first, as Locust does."""
        self._called = listener_patches.take_own_listeners(self._environment.events.quitting)
        for listener in reversed(self._called):
            try:
                listener(environment=self._environment)
            except SystemExit as ended:
                code = ended.code
                self._environment.process_exit_code = code if isinstance(code, int) else int(code is not None)
            except Exception as error:
                logger.exception("stampede: a listener of quitting failed")
                self._on_error(error)

"""``python -m stampede trial …``: loads a locustfile as the cluster does, and tries it in this process.

The rig starts it: see stampede/rig/trial.py. The exit code is 0, FAILED, or 2 where the settings are wrong.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

import gevent
from locust import FastHttpUser, HttpUser, User, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import STATE_RUNNING

from stampede import engine
from stampede.cluster import (
    cookie_limits,
    fast_answers,
    listener_patches,
    output_patches,
    patches,
    requests_answers,
    user_patches,
)
from stampede.cluster.allowed_targets import AllowedTargets, AllowedTargetsError
from stampede.counting.unreported import Unreported
from stampede.http.user import FastUser
from stampede.plan.cast import Cast, CastError
from stampede.plan.hosts import Hosts
from stampede.plan.probe import why_silent
from stampede.trial.one_pass import FAILED, OnePass
from stampede.trial.printer import Printer, say

OPTIONS = ("--headless", "--skip-log-setup", "--users", "1", "--spawn-rate", "1", "--run-time", "60")
"""Options of Locust. Users and times are for a locustfile that reads them."""

USAGE_EXIT = 2

CLIENTS = (HttpUser, FastHttpUser, FastUser)
"""Users that need a host."""

PRINTED_HERE = (
    "Starting Locust",
    "Uncaught exception in event handler",
    "--run-time, --users or",
    "The following option(s)",
)
"""Messages of Locust's own that say what the trial prints itself, or nothing about the locustfile."""


class TrialError(Exception):
    """The locustfile cannot be tried with these settings. The message says what to do."""


class TrialEnd(SystemExit):
    """The end of a trial."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def main(options: Sequence[str]) -> int:
    """Try the locustfile of the environment's variables; return the exit code.

    Ctrl-C and SIGTERM raise KeyboardInterrupt.
    """
    _log_to_stderr()
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return engine.main([*OPTIONS, *options], Trial().listen)
    except TrialEnd as end:
        return end.exit_code
    except SystemExit as end:  # Locust has refused the locustfile, or the locustfile itself ends the process
        if isinstance(end.code, str) or not end.code:
            print(f"stampede: the locustfile ends the process: {end.code or 'sys.exit()'}", file=sys.stderr)
        return USAGE_EXIT


def _log_to_stderr() -> None:
    level = logging.getLevelNamesMapping().get(os.environ.get("LOCUST_LOGLEVEL", "").upper(), logging.INFO)
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not str(record.msg).startswith(PRINTED_HERE))
    output_patches.log_harmless_text()


def _interrupt(*_: object) -> None:
    """Raise KeyboardInterrupt in the main greenlet, whichever runs now; ignore further signals."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Compose forwards Ctrl-C, which may also come directly
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


class Trial:
    """The trial of one locustfile, as listeners of Locust's events."""

    def __init__(self) -> None:
        variables = json.loads(os.environ.pop("STAMPEDE_ENV_NAMES", "[]"))
        self._printer = Printer(os.environ.get(name, "") for name in variables)
        self._unreported = Unreported()

    def listen(self) -> None:
        """Register the listeners, before the locustfile registers its own."""
        user_patches.count_requests_cut_off()
        fast_answers.limit_answers()
        requests_answers.limit_answers()
        cookie_limits.limit_cookies()
        user_patches.note_unreported(self._unreported.opened, self._unreported.reported)
        listener_patches.report_failed_listeners(self._printer.exception)
        events.request.add_listener(self._printer.request)
        events.init_command_line_parser.add_listener(self._add_arguments)

    def _add_arguments(self, parser: LocustArgumentParser) -> None:
        for name in ("--stampede-scenario", "--stampede-fallback-host", "--stampede-probe"):
            parser.add_argument(name, default=None, help="Set by the rig")
        # Locust makes its parser again when the locustfile is loaded. So the trial begins after the
        # locustfile's own listeners of `init`.
        if self._begin in events.init._handlers:
            events.init.remove_listener(self._begin)
        events.init.add_listener(self._begin)

    def _begin(self, environment: Environment, **_: Any) -> NoReturn:
        """Run the whole trial, and end the process: Locust would start a run."""
        try:
            user_classes = _choose(environment)
            host = _set_host(environment, user_classes)
        except (TrialError, CastError, AllowedTargetsError) as error:
            print(f"stampede: {error}", file=sys.stderr)
            raise TrialEnd(USAGE_EXIT) from error
        say(f"Trying {environment.locustfile}{f' at {host}' if host else ''}: each task once")
        if shape := environment.shape_class:
            say(f"The shape {type(shape).__name__} is ignored")
        self._printer.host = host or ""
        self._run(environment, user_classes)
        self._end(environment)

    def _run(self, environment: Environment, user_classes: Sequence[type[User]]) -> None:
        """Run users between the events of a run."""
        printer, runner, on = self._printer, environment.runner, environment.events
        listener_patches.stop_by_the_locustfile(
            runner, lambda call: printer.note(f"{call}: in a run, the whole run stops here")
        )
        one_pass = OnePass(environment, printer, self._unreported)
        runner.update_state(STATE_RUNNING)
        one_pass.attempt("test_start", partial(on.test_start.fire, environment=environment), limit=None)
        one_pass.run(user_classes)
        one_pass.attempt("test_stopping", partial(on.test_stopping.fire, environment=environment), limit=None)
        one_pass.attempt("test_stop", partial(on.test_stop.fire, environment=environment), limit=None)
        quitting = partial(on.quitting.fire, environment=environment, reverse=True)
        one_pass.attempt("quitting", quitting, limit=None)

    def _end(self, environment: Environment) -> NoReturn:
        """Print the last line, and end the process with the exit code."""
        code = environment.process_exit_code
        if code:
            say(f"\nenvironment.process_exit_code is {code}: the verdict of a run would be FAIL")
        say(f"\n{self._printer.totals}")
        raise TrialEnd(0 if self._printer.totals.is_good and not code else FAILED)


def _choose(environment: Environment) -> list[type[User]]:
    """Return the user classes that take part, without the tasks that the tags exclude.

    Raises CastError and TrialError.
    """
    cast = Cast(environment)
    scenario = environment.parsed_options.stampede_scenario
    available = environment.available_user_classes or {}
    if scenario:
        environment.user_classes = [available[name] for name in cast.scenario(scenario)]
    else:
        cast.choose_default()
    if environment.parsed_options.tags or environment.parsed_options.exclude_tags:
        environment._filter_tasks_by_tags()
        cast.check_tags()
    order = list(available.values())  # Locust loses the order of classes that its command line names
    chosen = sorted(environment.user_classes, key=order.index)
    environment.user_classes = chosen
    if not chosen:
        raise TrialError("no user class takes part: one needs a weight over 0")
    return chosen


def _set_host(environment: Environment, user_classes: Sequence[type[User]]) -> str | None:
    """Set the host of the user classes, as a run does; return it. Raise TrialError, AllowedTargetsError."""
    options = environment.parsed_options
    hosts = Hosts(environment)
    host = hosts.choose(user_classes).host
    if host is None and any(issubclass(user_class, CLIENTS) for user_class in user_classes):
        raise TrialError("there is no host to send requests to: set HOST=http://…, or the user class a host")
    is_probed = host and host.startswith(("http://", "https://")) and options.stampede_probe != "no"
    if host and is_probed and (reason := why_silent(host)) is not None:
        raise TrialError(f"{host} does not answer: start it, or set another HOST ({reason})")
    environment.host = host
    for user_class in user_classes if host else ():
        user_class.host = host
    listed = os.environ.get("ALLOW_TARGETS", "")
    allowed = AllowedTargets(listed, lambda: [environment.host], hosts.own_ports)
    patches.refuse_redirects_off_target(allowed)
    return host

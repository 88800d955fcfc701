"""Replacements of Locust's own functions, each with its reason. Those of users are in user_patches.py.

They are made for one version of Locust and refused for others. tests/integration/test_patches.py fails when
Locust no longer needs one of them. "Stock" means Locust without these patches.
"""

from __future__ import annotations

import logging
import math
import os
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from inspect import currentframe
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import geventhttpclient.useragent
import locust
import locust.log
import locust.main
import locust.runners
import locust.stats
import locust.web
import requests
import zmq
from flask import Response, after_this_request
from gevent.event import Event
from locust import User, argument_parser
from locust.argument_parser import LocustArgumentParser
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastRequest
from locust.event import EventHook
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)
from locust.rpc import Message, zmqrpc
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.stats import RequestStats
from locust.web import WebUI

from stampede.cluster.allowed_targets import AllowedTargets
from stampede.counting import readable
from stampede.counting.latency import rounded
from stampede.counting.readable import sendable

SUPPORTED_LOCUST = "2.47"
"""The version of Locust that the patches are made for, without its last number."""

OWN_PACKAGES = ("locust", "stampede")
"""Packages whose calls are not the locustfile's."""

ENDS_ON_PURPOSE = (StopUser, StopTest, RescheduleTask, RescheduleTaskImmediately, InterruptTaskSet)
"""Exceptions of Locust's with which a listener ends the user or the task that it is called for."""

PYTEST_CONFIGURATIONS = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
"""The names of the files that pytest reads."""

Handle = Callable[[str, Message], None]
"""Locust's handler of a worker's message: receives the worker's id and the message."""


class LocustVersionError(Exception):
    """Another version of Locust is installed. The message says what to do."""


def check_version() -> None:
    """Raise LocustVersionError unless the installed Locust is the supported one."""
    if not locust.__version__.startswith(f"{SUPPORTED_LOCUST}."):
        raise LocustVersionError(
            f"Locust {locust.__version__} is installed, and stampede/cluster/patches.py is for "
            f"{SUPPORTED_LOCUST}: pip install 'locust=={SUPPORTED_LOCUST}.*'"
        )


def report_every(seconds: float) -> None:
    """Set the interval of the workers' reports.

    Stock workers report every 3 s. What a worker has counted since its last report is lost when it dies.
    """
    locust.runners.WORKER_REPORT_INTERVAL = seconds


def keep_missing_workers() -> None:
    """Let masters keep missing workers.

    Stock masters drop a missing worker after 60 s and all users with it; the ramp starts again at 0.
    """
    locust.runners.HEARTBEAT_DEAD_INTERNAL = -math.inf


def keep_waiting_for_the_master() -> None:
    """Let workers wait for their master without a limit.

    Stock workers end after 60 s without a master. Their exit code is 0, so they are not restarted.
    """
    locust.runners.MASTER_HEARTBEAT_TIMEOUT = math.inf


def keep_three_digits() -> None:
    """Let Locust's statistics keep three digits of a response time.

    Stock workers round to two digits: 495 ms becomes 500 ms, which may be the wrong side of a limit.
    """
    locust.stats.bucket_response_time = rounded


def count_any_request() -> None:
    """Let Locust's statistics count a request whatever its name, its time and its length are.

    Stock Locust raises where a name has no hash, or a time is NaN or a text. With half of a surrogate in a
    name a stock worker cannot send its report, and sends no other one afterwards.
    """
    log_request, log_error = RequestStats.log_request, RequestStats.log_error

    def log_any_request(
        stats: RequestStats, method: Any, name: Any, response_time: Any, content_length: Any
    ) -> None:
        milliseconds, length = readable.milliseconds(response_time), readable.length(content_length)
        log_request(stats, readable.text(method), readable.text(name), milliseconds, length)

    def log_any_error(stats: RequestStats, method: Any, name: Any, error: Any) -> None:
        error = error if isinstance(error, Exception) else readable.text(error)
        log_error(stats, readable.text(method), readable.text(name), error)

    RequestStats.log_request, RequestStats.log_error = log_any_request, log_any_error


def spawn_after_init(is_attached: Event) -> None:
    """Let workers start users only when their listeners are attached.

    Stock workers report that they are ready before their init event. If a run is in progress, they get users
    at once, and the test starts before the listeners of test_start are registered.
    """
    handle_message = WorkerRunner.handle_message

    def handle_when_attached(runner: WorkerRunner, msg: Message) -> None:
        if msg.type == "spawn":
            is_attached.wait()
        handle_message(runner, msg)

    WorkerRunner.handle_message = handle_when_attached


def let_workers_reconnect() -> None:
    """Let masters accept a new connection of a worker.

    Stock masters ignore it while the worker's former connection seems alive.
    """
    init = zmqrpc.Server.__init__

    def init_with_handover(server: zmqrpc.Server, *arguments: Any) -> None:
        init(server, *arguments)
        server.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)

    zmqrpc.Server.__init__ = init_with_handover


def intercept_messages_of_workers(
    runner: MasterRunner, handle: Callable[[Handle, str, Message], None]
) -> None:
    """Let `handle` receive each message of a worker, with Locust's own handler.

    Stock masters count a report again each time it arrives. They do not answer a worker that they do not
    know, and end it if it reports that it has users.
    """
    handle_message = runner.handle_message
    runner.handle_message = lambda client_id, msg: handle(handle_message, client_id, msg)


def intercept_messages_of_master(
    runner: WorkerRunner, handle: Callable[[Callable[[Message], None], Message], None]
) -> None:
    """Let `handle` receive each message of the master, with Locust's own handler.

    Stock workers start users even while they are leaving.
    """
    handle_message = runner.handle_message
    runner.handle_message = lambda msg: handle(handle_message, msg)


def ready_at_once(stop_timeout: float) -> None:
    """Let workers be ready for the next run as soon as their users have stopped.

    Stock workers first sleep for the stop timeout, in case their last report is still on its way. Our workers
    have sent theirs by then.
    """
    os.environ["LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"] = str(-int(stop_timeout))


def build_the_default_options_once() -> None:
    """Compute Locust's default options once in a process: they never change.

    Stock workers compute them again for each option of each spawn message. Each message blocks all users of
    the worker for 65 to 100 ms.
    """
    argument_parser.default_args_dict = cache(argument_parser.default_args_dict)


def send_any_value() -> None:
    """Replace a value that cannot be sent by a readable form, in messages of masters and workers.

    Stock workers send the message again and again; nothing else is sent meanwhile. Such a value is half a
    surrogate in a text, an integer beyond 64 bits, or an object of a class that msgpack does not know.
    """
    serialize = Message.serialize

    def serialize_or_replace(message: Message) -> bytes:
        try:
            packed: bytes = serialize(message)
        except Exception:  # msgpack raises many, and so may the value's own methods
            replaced = Message(message.type, sendable(message.data), message.node_id)
            packed = serialize(replaced)
        return packed

    Message.serialize = serialize_or_replace


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


def disable_cors() -> None:
    """Stop pages of other sites from reading the master's answers, which stock masters allow."""
    locust.web.CORS = lambda _app: None


def read_no_default_configuration() -> None:
    """Let Locust read only the configuration files that its command line names.

    Stock Locust also reads ~/.locust.conf, and locust.conf and pyproject.toml of the working directory: one
    with `headless = true` would start a run that nobody asked for.
    """
    argument_parser.get_empty_argument_parser.__defaults__ = (True, ())
    argument_parser.get_parser.__defaults__ = ((),)


def before_parsing(check: Callable[[LocustArgumentParser], None]) -> None:
    """Call `check` with the complete parser, the locustfile's options included, before Locust uses it.

    Stock Locust has no hook between the locustfile's own options and the command line.
    """
    get_parser = argument_parser.get_parser

    def get_checked_parser() -> LocustArgumentParser:
        parser = get_parser()
        check(parser)
        return parser

    locust.main.get_parser = get_checked_parser


def collect_tests_outside(project: Path) -> None:
    """Let pytest, which collects a locustfile's test functions, ignore the configuration of `project`.

    Stock Locust uses the nearest configuration: for a locustfile in the project, the one of its own tests. A
    configuration between the project's folder and the locustfile still counts.
    """
    load: Callable[[str], dict[str, type[User]]] = locust.main.load_locustfile_pytest

    def load_outside(path: str) -> dict[str, type[User]]:
        import _pytest.config  # imported here, as few locustfiles need it

        folders = [folder for folder in Path(path).parents if project in folder.parents]
        has_own = any((folder / name).exists() for folder in folders for name in PYTEST_CONFIGURATIONS)
        if project not in Path(path).parents or has_own:
            return load(path)
        config: Any = _pytest.config.Config
        configured = config.fromdictargs
        none = ["-c", os.devnull, "--rootdir", str(Path(path).parent)]
        config.fromdictargs = lambda given, options: configured(given, [*none, *options])
        try:
            return load(path)
        finally:
            config.fromdictargs = configured

    locust.main.load_locustfile_pytest = load_outside


def end_timer_with_run(web_ui: WebUI) -> None:
    """Cancel the timer of a run's time when the run ends.

    Stock masters keep it if the run ends before its time; the timer then stops the next run.
    """
    web_ui.environment.events.test_stop.add_listener(lambda **_: web_ui._cancel_run_time_timer())


def keep_timer(web_ui: WebUI) -> None:
    """Keep the timer of a run's time in the current request, which edits the number of users.

    Stock masters drop the timer in such a request; then the run does not end at its time.
    """
    timer, web_ui._run_time_greenlet = web_ui._run_time_greenlet, None

    @after_this_request
    def put_back(response: Response) -> Response:
        web_ui._run_time_greenlet = timer
        return response


def refuse_redirects_off_target(allowed: AllowedTargets) -> None:
    """Let a request fail that is redirected to a host that is not allowed.

    Stock users follow every redirect, so that load meant for one host reaches another.
    """
    redirect, resolve = FastRequest.redirect, HttpSession.resolve_redirects

    def redirect_on_target(request: FastRequest, code: int, location: str) -> None:
        target = urljoin(request.url, location)
        if not allowed.allows_redirect(request.url, target):
            raise geventhttpclient.useragent.ConnectionError(request.url, _not_followed(target))
        redirect(request, code, location)

    def resolve_on_target(
        session: HttpSession, response: requests.Response, *arguments: Any, **options: Any
    ) -> Iterator[Any]:
        refuse_off_target(session, response, options)
        for next_response in resolve(session, response, *arguments, **options):
            refuse_off_target(session, next_response, options)
            yield next_response

    def refuse_off_target(session: HttpSession, response: requests.Response, options: dict[str, Any]) -> None:
        location = None if options.get("yield_requests") else session.get_redirect_target(response)
        target = location and urljoin(response.url, location)
        if target and not allowed.allows_redirect(response.url, target):
            raise requests.RequestException(_not_followed(target), response=response)

    FastRequest.redirect = redirect_on_target
    HttpSession.resolve_redirects = resolve_on_target


def _not_followed(target: str) -> str:
    # Without the path, which may differ each time: Locust counts errors by their text.
    origin = "/".join(target.split("/", 3)[:3])
    return f"a redirect to {origin} is not followed: it is not in ALLOW_TARGETS"

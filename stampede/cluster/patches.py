"""All replacements of Locust's own functions, each with its reason.

They are made for one version of Locust and refused for others. tests/integration/test_patches.py fails when
Locust no longer needs one of them. "Stock" means Locust without these patches.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin

import geventhttpclient.useragent
import locust
import locust.runners
import locust.stats
import locust.web
import requests
import zmq
from flask import Response, after_this_request
from gevent import GreenletExit
from gevent.event import Event
from locust import clients
from locust.clients import HttpSession
from locust.contrib import fasthttp
from locust.contrib.fasthttp import FastHttpSession, FastRequest
from locust.rpc import Message, zmqrpc
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import RequestStats
from locust.user.task import LOCUST_STATE_STOPPING
from locust.web import WebUI

from stampede.cluster.allowed_targets import AllowedTargets
from stampede.counting import readable
from stampede.counting.latency import rounded

SUPPORTED_LOCUST = "2.47"
"""The version of Locust that the patches are made for, without its last number."""

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

    def log_any_request(stats: RequestStats, method: Any, name: Any, time: Any, length: Any) -> None:
        length = length if isinstance(length, int) else 0
        log_request(stats, readable.text(method), readable.text(name), readable.milliseconds(time), length)

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


def disable_cors() -> None:
    """Stop pages of other sites from reading the master's answers, which stock masters allow."""
    locust.web.CORS = lambda _app: None


class CutOffError(Exception):
    """A request had no answer when its user was stopped."""

    def __init__(self) -> None:
        super().__init__("cut off at the stop")


def count_requests_cut_off() -> None:
    """Count requests that are still in flight when their user is stopped as failed.

    Stock users do not report such a request: an API that hangs permanently has no failures. The time of the
    request is how long the user waited. A request whose response is there, but whose user is
    still checking it (`catch_response=True`), is counted by its status.
    """
    for session in (HttpSession, FastHttpSession):
        _count_unanswered(session)
    for response in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
        _count_answered(response)


def _count_unanswered(session_class: Any) -> None:
    request = session_class.request

    def request_or_fail(
        session: Any, method: str, url: str, name: str | None = None, *arguments: Any, **options: Any
    ) -> Any:
        start_time, began = time.time(), time.perf_counter()
        try:
            return request(session, method, url, name, *arguments, **options)
        except GreenletExit:
            if _was_sent(session):
                session.request_event.fire(
                    request_type=method,
                    name=name
                    or session.request_name
                    or _own_name(session, method, url, options.get("params")),
                    response_time=(time.perf_counter() - began) * 1000,
                    response_length=0,
                    response=None,
                    context={
                        **(session.user.context() if session.user else {}),
                        **options.get("context", {}),
                    },
                    exception=CutOffError(),
                    start_time=start_time,
                    url=session._build_url(url),
                )
            raise

    session_class.request = request_or_fail


def _was_sent(session: Any) -> bool:
    """Return whether the request of a killed user was sent.

    A user in a task is asked to finish first, so it is in the state STOPPING when it is killed. Without a
    stop timeout no user is asked. A waiting user is killed at once. If it has just woken, it may have begun a
    request, but nothing of it was sent.
    """
    user = session.user
    return user is None or user._state == LOCUST_STATE_STOPPING or not user.environment.stop_timeout


def _own_name(session: Any, method: str, url: str, params: Any) -> str:
    """Return the name that Locust's client gives a request without a name."""
    if isinstance(session, FastHttpSession):
        return url
    unnamed = requests.Request(method, session._build_url(url), params=params)
    name: str = session.prepare_request(unnamed).path_url
    return name


def _count_answered(response_class: Any) -> None:
    leave = response_class.__exit__

    def leave_or_count(response: Any, exc: type[BaseException] | None, *details: Any) -> Any:
        if exc is None or not issubclass(exc, GreenletExit):
            return leave(response, exc, *details)
        leave(response, None, None, None)
        return False

    response_class.__exit__ = leave_or_count


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

"""Replacements of Locust's own functions, each with its reason: runners, messages, statistics, the UI.

`user_patches.py` has those of users, `listener_patches.py` those of a locustfile's listeners, and
`loading_patches.py` those for the start of a process. They are made for one version of Locust and refused for
others. tests/integration/test_patches.py fails when Locust no longer needs one of them. "Stock" means Locust
without these patches.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from functools import cache
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
from locust import argument_parser
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastRequest, LocustUserAgent
from locust.env import Environment
from locust.exception import RPCError
from locust.rpc import Message, zmqrpc
from locust.runners import MasterRunner, WorkerRunner
from locust.stats import RequestStats
from locust.web import WebUI

from stampede.cluster.allowed_targets import AllowedTargets
from stampede.counting import readable
from stampede.counting.buckets import rounded
from stampede.counting.readable import sendable

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

    def log_any_request(
        stats: RequestStats, method: Any, name: Any, response_time: Any, content_length: Any
    ) -> None:
        milliseconds, length = readable.milliseconds(response_time), readable.length(content_length)
        log_request(stats, *readable.route(method, name), milliseconds, length)

    def log_any_error(stats: RequestStats, method: Any, name: Any, error: Any) -> None:
        error = error if isinstance(error, Exception) else readable.text(error)
        log_error(stats, *readable.route(method, name), error)

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


def hear_after_init(is_attached: Event) -> None:
    """Let masters read the identity of a worker that joins only when they can: after their init event.

    Stock masters handle messages before. They expect the version of Locust, and hear no worker any more after
    an identity.
    """
    handle_message = MasterRunner.handle_message

    def handle_when_attached(runner: MasterRunner, client_id: str, msg: Message) -> None:
        if msg.type == "client_ready" and not isinstance(msg.data, str):
            is_attached.wait()
            runner.handle_message(client_id, msg)  # which has been replaced meanwhile
        else:
            handle_message(runner, client_id, msg)

    MasterRunner.handle_message = handle_when_attached


def let_workers_reconnect() -> None:
    """Let masters accept a new connection of a worker.

    Stock masters ignore it while the worker's former connection seems alive.
    """
    init = zmqrpc.Server.__init__

    def init_with_handover(server: zmqrpc.Server, *arguments: Any) -> None:
        init(server, *arguments)
        server.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)

    zmqrpc.Server.__init__ = init_with_handover


def drop_unreadable_messages(read: Callable[[list[bytes]], tuple[str, Message] | None]) -> None:
    """Let masters read each message by itself: `read` returns None for one that is dropped.

    Stock masters hear no worker any more after a message that they cannot read.
    """

    def receive(server: zmqrpc.Server) -> tuple[str, Message]:
        while True:
            try:
                frames = server.socket.recv_multipart()
            except zmq.ZMQError as error:
                raise RPCError(f"ZMQ network broken: {error}") from error
            if (received := read(frames)) is not None:
                return received

    zmqrpc.Server.recv_from_client = receive


def join_with_identity(identity_of: Callable[[Environment], Any]) -> None:
    """Let workers send their identity when they join. Stock workers send the version of Locust."""
    init, send = WorkerRunner.__init__, zmqrpc.BaseSocket.send
    own: list[Any] = []

    def init_with_identity(runner: WorkerRunner, environment: Environment, **master: Any) -> None:
        own[:] = [identity_of(environment)]
        init(runner, environment, **master)

    def send_with_identity(base: zmqrpc.BaseSocket, msg: Message) -> None:
        send(base, Message(msg.type, own[0], msg.node_id) if msg.type == "client_ready" else msg)

    WorkerRunner.__init__, zmqrpc.BaseSocket.send = init_with_identity, send_with_identity


def end_where_refused(message_type: str, end: Callable[[str], None]) -> None:
    """Let workers call `end` with the reason in a message of this type, also before their init event."""
    handle_message = WorkerRunner.handle_message

    def handle_or_end(runner: WorkerRunner, msg: Message) -> None:
        if msg.type == message_type:
            end(msg.data["reason"])
        else:
            handle_message(runner, msg)

    WorkerRunner.handle_message = handle_or_end


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


def disable_cors() -> None:
    """Stop pages of other sites from reading the master's answers, which stock masters allow."""
    locust.web.CORS = lambda _app: None


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


class RedirectError(geventhttpclient.useragent.ConnectionError):  # Locust expects errors of this class
    """A redirect is not followed. The message has no path: Locust counts errors by their text."""

    def __init__(self, reason: str) -> None:
        super().__init__(None, reason)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"RedirectError({self.text!r})"


def refuse_redirects_off_target(allowed: AllowedTargets) -> None:
    """Let a request fail that is redirected to a host that is not allowed, or to no URL.

    Stock users follow every redirect, so that load meant for one host reaches another. If the Location is no
    URL, they raise an exception in the locustfile's task.
    """
    redirect, resolve = FastRequest.redirect, HttpSession.resolve_redirects
    send = LocustUserAgent._urlopen

    def redirect_on_target(request: FastRequest, code: int, location: str) -> None:
        if reason := _why_not_followed(allowed, request.url, location):
            raise RedirectError(reason)
        try:
            redirect(request, code, location)
        except ValueError:
            raise RedirectError(NO_URL) from None

    def send_redirected(agent: LocustUserAgent, request: FastRequest) -> Any:
        try:
            return send(agent, request)
        except ValueError:
            if request.unverifiable:  # it was redirected
                raise RedirectError(NO_URL) from None
            raise

    def resolve_on_target(
        session: HttpSession, response: requests.Response, *arguments: Any, **options: Any
    ) -> Iterator[Any]:
        try:
            refuse_off_target(session, response, options)
            for next_response in resolve(session, response, *arguments, **options):
                refuse_off_target(session, next_response, options)
                yield next_response
        except ValueError:  # Locust treats those of requests as mistakes in the locustfile
            if options.get("yield_requests"):  # the redirect is not to be followed
                return
            raise requests.RequestException(NO_URL, response=response) from None

    def refuse_off_target(session: HttpSession, response: requests.Response, options: dict[str, Any]) -> None:
        location = None if options.get("yield_requests") else session.get_redirect_target(response)
        reason = location and _why_not_followed(allowed, response.url, location)
        if reason:
            raise requests.RequestException(reason, response=response)

    FastRequest.redirect, LocustUserAgent._urlopen = redirect_on_target, send_redirected
    HttpSession.resolve_redirects = resolve_on_target


NO_URL = "a redirect is not followed: its Location is not an HTTP URL"

LONGEST_ORIGIN = 100
"""Characters of an address that are shown."""


def _why_not_followed(allowed: AllowedTargets, source: str, location: str) -> str | None:
    """Return why a redirect is not followed; None if it is."""
    try:
        target = urljoin(source, location)
    except ValueError:
        return NO_URL
    if allowed.allows_redirect(source, target):
        return None
    origin = "/".join(target.split("/", 3)[:3])
    short = origin if len(origin) <= LONGEST_ORIGIN else f"{origin[: LONGEST_ORIGIN - 1]}…"
    why = "it is a port of this cluster" if allowed.is_own(target) else "it is not in ALLOW_TARGETS"
    return f"a redirect to {short} is not followed: {why}"

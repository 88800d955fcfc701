"""What of Locust's own code is corrected, each with its reason. Nothing else here changes Locust.

All of it was made for one version and is refused for others; tests/integration/test_patches.py says when
Locust does without one of them.
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
from locust.user.task import LOCUST_STATE_STOPPING
from locust.web import WebUI

from stampede.cluster.allowed_targets import Allowed
from stampede.counting.latency import rounded

MADE_FOR = "2.47"
"""The version of Locust, without its last number."""

Handle = Callable[[str, Message], None]


class LocustVersionError(Exception):
    """The Locust that is installed is another one; the message says what to do."""


def check_version() -> None:
    """Raise LocustVersionError unless Locust is the one that the patches were made for."""
    if not locust.__version__.startswith(f"{MADE_FOR}."):
        raise LocustVersionError(
            f"Locust {locust.__version__} is installed, and stampede/cluster/patches.py is for {MADE_FOR}: "
            f"pip install 'locust=={MADE_FOR}.*'"
        )


def report_every(seconds: float) -> None:
    """Stock workers report every 3 s, and what one that dies has counted since is gone."""
    locust.runners.WORKER_REPORT_INTERVAL = seconds


def keep_missing_workers() -> None:
    """Stock masters drop a missing worker after 60 s, and all users with it: they start again from none."""
    locust.runners.HEARTBEAT_DEAD_INTERNAL = -math.inf


def keep_waiting_for_the_master() -> None:
    """Stock workers end after 60 s without a master, with exit code 0: nobody starts them again."""
    locust.runners.MASTER_HEARTBEAT_TIMEOUT = math.inf


def keep_three_digits() -> None:
    """Stock workers round times to two digits: 495 ms is 500, on either side of a limit."""
    locust.stats.bucket_response_time = rounded


def spawn_after_init(is_attached: Event) -> None:
    """Stock workers call themselves ready while they are still being made. One that joins a run in progress
    is told at once to start users, and its test begins before anybody listens."""
    handle_message = WorkerRunner.handle_message

    def handle_when_attached(runner: WorkerRunner, msg: Message) -> None:
        if msg.type == "spawn":
            is_attached.wait()
        handle_message(runner, msg)

    WorkerRunner.handle_message = handle_when_attached


def let_workers_connect_anew() -> None:
    """Stock masters turn away a worker that connects anew while its former connection seems alive."""
    make = zmqrpc.Server.__init__

    def make_with_handover(server: zmqrpc.Server, *arguments: Any) -> None:
        make(server, *arguments)
        server.socket.setsockopt(zmq.ROUTER_HANDOVER, 1)

    zmqrpc.Server.__init__ = make_with_handover


def screen_messages(runner: MasterRunner, screen: Callable[[Handle, str, Message], None]) -> None:
    """Stock masters count a report as often as it comes, have no answer for a worker that they do not know,
    and end one that says it has users. `screen` gets each message, and what would have handled it."""
    handle_message = runner.handle_message
    runner.handle_message = lambda client_id, msg: screen(handle_message, client_id, msg)


def screen_orders(runner: WorkerRunner, screen: Callable[[Callable[[Message], None], Message], None]) -> None:
    """Stock workers start users also while they are leaving. `screen` gets each message, and what would have
    handled it."""
    handle_message = runner.handle_message
    runner.handle_message = lambda msg: screen(handle_message, msg)


def ready_at_once(stop_timeout: float) -> None:
    """Stock workers sleep for the stop timeout when their users have stopped, and for that long there are
    none for the next run: the wait stands for a last report that might be on its way. Ours has been sent."""
    os.environ["LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"] = str(-int(stop_timeout))


def close_to_other_sites() -> None:
    """Stock masters let the pages of every site read whatever they answer."""
    locust.web.CORS = lambda _app: None


class CutOffError(Exception):
    """A request had no answer when its user was stopped, as it had not come to an end in time."""

    def __init__(self) -> None:
        super().__init__("cut off at the stop")


def count_what_is_cut_off() -> None:
    """Stock users that are killed in the middle of a request say nothing of it: an API that hangs for ever
    has no failure. Here such a request fails, after the time for which it was waited. One whose answer is
    there, and with its user, is counted by its status."""
    for session in (HttpSession, FastHttpSession):
        _count_unanswered(session)
    for answer in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
        _count_answered(answer)


def _count_unanswered(kind: Any) -> None:
    request = kind.request

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

    kind.request = request_or_fail


def _was_sent(session: Any) -> bool:
    """A user who waits is killed at once, and may have woken meanwhile: it gets no further than to its next
    request, of which nothing has been sent. One in the middle of something is asked to finish before."""
    user = session.user
    return user is None or user._state == LOCUST_STATE_STOPPING or not user.environment.stop_timeout


def _own_name(session: Any, method: str, url: str, params: Any) -> str:
    """Of a request to which its user gave none, as each of Locust's clients has it."""
    if isinstance(session, FastHttpSession):
        return url
    wanted = requests.Request(method, session._build_url(url), params=params)
    name: str = session.prepare_request(wanted).path_url
    return name


def _count_answered(kind: Any) -> None:
    leave = kind.__exit__

    def leave_or_count(answer: Any, exc: type[BaseException] | None, *details: Any) -> Any:
        if exc is None or not issubclass(exc, GreenletExit):
            return leave(answer, exc, *details)
        leave(answer, None, None, None)
        return False

    kind.__exit__ = leave_or_count


def end_timer_with_run(web_ui: WebUI) -> None:
    """Stock masters leave the timer of a run's time going when the run ends before it: it stops the next."""
    web_ui.environment.events.test_stop.add_listener(lambda **_: web_ui._cancel_run_time_timer())


def keep_timer(web_ui: WebUI) -> None:
    """Stock masters take the timer of a run's time away when its users are edited: it would never end. To be
    called in the request that edits them."""
    timer, web_ui._run_time_greenlet = web_ui._run_time_greenlet, None

    @after_this_request
    def put_back(answer: Response) -> Response:
        web_ui._run_time_greenlet = timer
        return answer


def stay_on_target(allowed: Allowed) -> None:
    """Stock users follow a redirect to any host: a load meant for one hits another. Here such a request
    fails."""
    redirect, resolve = FastRequest.redirect, HttpSession.resolve_redirects

    def redirect_on_target(request: FastRequest, code: int, location: str) -> None:
        there = urljoin(request.url, location)
        if not allowed.allows_redirect(request.url, there):
            raise geventhttpclient.useragent.ConnectionError(request.url, _not_followed(there))
        redirect(request, code, location)

    def resolve_on_target(
        session: HttpSession, answer: requests.Response, *arguments: Any, **options: Any
    ) -> Iterator[Any]:
        refuse_elsewhere(session, answer, options)
        for next_answer in resolve(session, answer, *arguments, **options):
            refuse_elsewhere(session, next_answer, options)
            yield next_answer

    def refuse_elsewhere(session: HttpSession, answer: requests.Response, options: dict[str, Any]) -> None:
        location = None if options.get("yield_requests") else session.get_redirect_target(answer)
        there = location and urljoin(answer.url, location)
        if there and not allowed.allows_redirect(answer.url, there):
            raise requests.RequestException(_not_followed(there), response=answer)

    FastRequest.redirect = redirect_on_target
    HttpSession.resolve_redirects = resolve_on_target


def _not_followed(there: str) -> str:
    """Without the path, which may be another each time: errors are counted by their text."""
    origin = "/".join(there.split("/", 3)[:3])
    return f"a redirect to {origin} is not followed: it is not in ALLOW_TARGETS"

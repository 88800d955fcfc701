"""Replacements of Locust's own functions for users, each with its reason.

They are made for one version of Locust, like those in patches.py. "Stock" means Locust without them.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import gevent
import requests
from gevent import Greenlet, GreenletExit
from gevent.pool import Group
from locust import User, clients
from locust.clients import HttpSession
from locust.contrib import fasthttp
from locust.contrib.fasthttp import FastHttpSession
from locust.exception import RescheduleTask, RescheduleTaskImmediately, StopTest, StopUser
from locust.runners import STATE_INIT, STATE_SPAWNING, STATE_STOPPED, WorkerRunner
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, DefaultTaskSet

from stampede.http.connection import was_sent
from stampede.http.response import Response
from stampede.http.session import FastSession

logger = logging.getLogger(__name__)
users_logger = logging.getLogger("locust.user.users")
"""The logger of the functions that are replaced here: a locustfile may have set its level or a handler."""

OnEnd = Callable[[User, BaseException, bool], None]
"""A function that receives a user that has ended, what it raised, and whether it was stopped before."""


def report_ended_users(on_end: OnEnd) -> None:
    """Let `on_end` receive each user that ends by itself or by an exception, and each that cannot begin.

    Stock workers report no exception that ends a user outside a task: in `__init__`, in `wait_time`, or in a
    pytest-style user. They do not report either that a user has ended by StopUser or StopTest.
    """
    start, stop = User.start, User.stop

    def start_watched(user: User, group: Group) -> Greenlet[..., None]:
        greenlet: Greenlet[..., None] = start(user, group)
        greenlet.link(lambda ended: _report_end(user, ended, on_end))
        return greenlet

    def stop_marked(user: User, force: bool = False) -> bool:
        user._is_stopped = True
        is_killed: bool = stop(user, force)
        return is_killed

    User.start, User.stop, User.run = start_watched, stop_marked, _run
    WorkerRunner.spawn_users = _spawning_all(on_end)


def _run(user: User) -> None:
    """Run a user as Locust does, and keep what it raised to end itself."""
    user._state = LOCUST_STATE_RUNNING
    user._taskset_instance = DefaultTaskSet(user)
    try:
        try:
            user.on_start()
        except Exception as error:
            users_logger.error("%s\n%s", error, traceback.format_exc())
            if not isinstance(error, StopUser | StopTest):
                user.environment.events.user_error.fire(
                    user_instance=user, exception=error, tb=error.__traceback__
                )
            raise
        user._taskset_instance.run()
    except (GreenletExit, StopUser, StopTest) as error:
        user._ended_by = error
        user.on_stop()


def _report_end(user: User, greenlet: Greenlet[..., None], on_end: OnEnd) -> None:
    """Report a user whose greenlet has ended, unless it was stopped and raised nothing of its own.

    This is called in gevent's hub: it must not wait.
    """
    is_stopped = getattr(user, "_is_stopped", False)
    error = greenlet.exception or (None if is_stopped else getattr(user, "_ended_by", None))
    if error and not isinstance(error, GreenletExit):  # GreenletExit: killed
        gevent.spawn(on_end, user, error, is_stopped)


def _spawning_all(on_end: OnEnd) -> Callable[..., list[User]]:
    """Return a function that starts users as Locust's does, and goes on where one cannot begin.

    Stock workers start no more users after one whose `__init__` raises, and never report that the others are
    there. They start all users of an order without a pause, which holds up the users that are running.
    """

    def spawn_users(
        runner: WorkerRunner, user_classes_spawn_count: Mapping[str, int], wait: bool = False
    ) -> list[User]:
        if runner.state in (STATE_INIT, STATE_STOPPED):
            runner.update_state(STATE_SPAWNING)
        users = []
        for name, count in user_classes_spawn_count.items():
            user_class = runner.user_classes_by_name[name]
            for _ in range(count):
                try:
                    user = user_class(runner.environment)
                    check_constructed(user)
                except Exception as error:  # the locustfile's own code may raise anything
                    logger.exception("a user of %s cannot begin", name)
                    on_end(user_class, error, False)
                else:
                    user.start(runner.user_greenlets)
                    users.append(user)
                gevent.sleep(0)  # running users go first
        if wait:
            runner.user_greenlets.join()
        return users

    return spawn_users


def check_constructed(user: User) -> None:
    """Raise AssertionError, as Locust does, where the locustfile's `__init__` has not called that of User."""
    if not hasattr(user, "environment"):
        raise AssertionError(
            f"Attribute 'environment' is missing on user {type(user).__name__}. Perhaps you defined your own "
            "__init__ and forgot to call the base constructor? (super().__init__(*args, **kwargs))"
        )


class CutOffError(Exception):
    """A request had no answer when its user was stopped."""

    def __init__(self) -> None:
        super().__init__("cut off at the stop")


def note_unreported(opened: Callable[[Any, Any], str], reported: Callable[[str], None]) -> None:
    """Let `opened` and `reported` hear of responses that a `with` block is to report.

    Stock users count nothing where the `with` is missing, or where its block raises an exception. `opened`
    receives method and name, and returns a key for `reported`. A block that raises RescheduleTask leaves its
    request out on purpose: Locust documents that.
    """
    for session, response in (
        (HttpSession, clients.ResponseContextManager),
        (FastHttpSession, fasthttp.ResponseContextManager),
        (FastSession, Response),
    ):
        _note_opened(session, opened)
        _note_reported(response, reported)


def _note_opened(session_class: Any, opened: Callable[[Any, Any], str]) -> None:
    request = session_class.request

    def request_and_note(*arguments: Any, **options: Any) -> Any:
        response = request(*arguments, **options)
        if getattr(response, "_catch_response", False):
            meta = response.request_meta
            response._unreported_key = opened(meta["request_type"], meta["name"])
        return response

    session_class.request = request_and_note


def _note_reported(response_class: Any, reported: Callable[[str], None]) -> None:
    report, leave = response_class._report_request, response_class.__exit__

    def note(response: Any) -> None:
        key = response.__dict__.pop("_unreported_key", None)
        if key is not None:
            reported(key)

    def report_and_note(response: Any, *arguments: Any) -> None:
        note(response)
        report(response, *arguments)

    def leave_and_note(response: Any, exc: type[BaseException] | None, *details: Any) -> Any:
        if exc is not None and issubclass(exc, RescheduleTask | RescheduleTaskImmediately):
            note(response)
        return leave(response, exc, *details)

    response_class._report_request, response_class.__exit__ = report_and_note, leave_and_note


def count_requests_cut_off() -> None:
    """Count requests that are still in flight when their user is stopped as failed.

    Stock users do not report such a request: an API that hangs permanently has no failures. The time of the
    request is how long the user waited.

    A request whose response is there, but whose user is still checking it (`catch_response=True`), is counted
    by its status. A request that a user sends after it was asked to stop, in a task that goes on, has not
    failed if it is cut off: the stop did it.
    """
    for session in (HttpSession, FastHttpSession, FastSession):
        _count_unanswered(session)
    for response in (clients.ResponseContextManager, fasthttp.ResponseContextManager, Response):
        _count_answered(response)


def _count_unanswered(session_class: Any) -> None:
    request = session_class.request

    def request_or_fail(
        session: Any, method: str, url: str, name: str | None = None, *arguments: Any, **options: Any
    ) -> Any:
        start_time, began = time.time(), time.perf_counter()
        was_stopping = session.user is not None and _is_asked_to_stop(session.user)
        try:
            return request(session, method, url, name, *arguments, **options)
        except GreenletExit as killed:
            if was_sent(killed) or _may_be_sent(session):
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
                    exception=None if was_stopping else CutOffError(),
                    start_time=start_time,
                    url=session._build_url(url),
                )
            raise

    session_class.request = request_or_fail


def _is_asked_to_stop(user: User) -> bool:
    """Return whether a user that begins a request was asked to stop before.

    A user that waits is not asked but killed. Yet its wait may end just before that happens.
    """
    return user._state == LOCUST_STATE_STOPPING or getattr(user, "_is_stopped", False)


def _may_be_sent(session: Any) -> bool:
    """Return whether one of Locust's clients has sent the request of a killed user.

    A user in a task is asked to finish first, so it is in the state STOPPING when it is killed. Without a
    stop timeout no user is asked. A waiting user is killed at once. If it has just woken, it may have begun a
    request. Locust's clients send nothing of it before they are killed; FastSession does, and says so.
    """
    user = session.user
    return user is None or user._state == LOCUST_STATE_STOPPING or not user.environment.stop_timeout


def _own_name(session: Any, method: str, url: str, params: Any) -> str:
    """Return the name that Locust's client gives a request without a name."""
    if isinstance(session, FastHttpSession | FastSession):
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

"""Nothing is lost when a run stops: what a worker has counted reaches the master.

Stock Locust's workers report every 3 s; what they count between the last report and their stop
comes with the next one, if they are still there then. Here they report every second, and once
more when their users have stopped, before they say so.
"""

from __future__ import annotations

import os

import locust.runners
from gevent.event import Event
from locust.env import Environment
from locust.rpc import Message
from locust.runners import WorkerRunner

REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker."""


def report_often() -> None:
    """Let workers report every REPORT_INTERVAL."""
    locust.runners.WORKER_REPORT_INTERVAL = REPORT_INTERVAL


def spawn_after_init(is_attached: Event) -> None:
    """Let a worker start no user before its init event: what listens for the test's start is not there yet.

    Stock Locust's worker says that it is ready while it is still being made. One that joins a run in
    progress is told at once to start users, and its test begins before anybody listens. (Locust 2.47)
    """
    handle_message = WorkerRunner.handle_message

    def handle_when_attached(runner: WorkerRunner, msg: Message) -> None:
        if msg.type == "spawn":
            is_attached.wait()
        handle_message(runner, msg)

    WorkerRunner.handle_message = handle_when_attached


def label(index: int, worker_id: str) -> str:
    """A worker's short name: its index and the end of its id, as load_tests/users.py puts them into keys."""
    return f"{index}-{worker_id[-6:]}"


def report_now(runner: WorkerRunner) -> None:
    """Send what has been counted since the last report."""
    runner._send_stats()


def ready_at_once(environment: Environment) -> None:
    """Let a worker whose users have stopped take part in the next run.

    Stock Locust's sleeps for the stop timeout first, and for that long there are no workers: the
    wait stands for a last report that might be on its way. Ours has been sent.
    """
    os.environ["LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"] = str(-int(environment.stop_timeout))

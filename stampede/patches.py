"""What of Locust's own code is corrected, each with its reason. Nothing else here changes Locust.

All of it was made for one version and is refused for others; tests/integration/test_patches.py says when
Locust does without one of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import locust
import locust.runners
import locust.stats
import zmq
from gevent.event import Event
from locust.rpc import Message, zmqrpc
from locust.runners import MasterRunner, WorkerRunner

from stampede.latency import rounded

MADE_FOR = "2.47"
"""The version of Locust, without its last number."""

Handle = Callable[[str, Message], None]


class LocustVersionError(Exception):
    """The Locust that is installed is another one; the message says what to do."""


def check_version() -> None:
    """Raise LocustVersionError unless Locust is the one that the patches were made for."""
    if not locust.__version__.startswith(f"{MADE_FOR}."):
        raise LocustVersionError(
            f"Locust {locust.__version__} is installed, and stampede/patches.py was made for {MADE_FOR}: "
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

"""What a master does so that nothing is lost when workers come, go, die and return. What workers do is
stampede/cluster/worker.py.

Each report counts once. Who runs how many users is the dispatcher's; here is heard what it has to know. A
worker that the master does not know is told so, and joins again; one that has missed a run's end is told
of it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from gevent import Greenlet
from gevent.event import Event
from locust import User
from locust.env import Environment
from locust.rpc import Message
from locust.runners import (
    STATE_INIT,
    STATE_MISSING,
    STATE_STOPPED,
    STATE_STOPPING,
    MasterRunner,
    WorkerNode,
)

from stampede.cluster import patches
from stampede.cluster.delivery import KEY, Inbox, Loss
from stampede.cluster.dispatcher import Dispatcher
from stampede.cluster.roster import HAS_USERS
from stampede.cluster.worker import ACKNOWLEDGED, GAVE_UP, LEAVING, SIGN_TIMEOUT, UNKNOWN

END_TIMEOUT = 25.0
"""Seconds for a run to be stopped, audited and written by a master that is told to end: under the grace
period of its container."""

HAS_NO_RUN = (STATE_INIT, STATE_STOPPED)

Notice = Callable[[str, str, Loss | None], None]
"""Receives what happened (``worker_joined``, ``_left``, ``_lost``, ``_returned``), the worker's id, and what
is missing of a worker that was lost."""

SIGNS_OF_LIFE = ("heartbeat", "spawning", "spawning_complete")
"""Messages that only a worker sends which takes itself for a member."""


class Crew:
    """The workers of a master."""

    def __init__(self, environment: Environment, runner: MasterRunner, notice: Notice) -> None:
        self._environment = environment
        self._runner = runner
        self._notice = notice
        self._inbox = Inbox()
        self._dispatcher: Dispatcher | None = None
        self._dispatching: set[Greenlet[..., None]] = set()
        self._ended = 0.0
        environment.dispatcher_class = self._dispatch
        environment.parsed_options.enable_rebalancing = False  # it would be Locust's
        patches.screen_messages(runner, self._screen)
        for message in (LEAVING, GAVE_UP):
            runner.register_message(message, lambda msg, **_: self._hear(msg))

    def begin(self, run_id: str, may_start_users: Event) -> None:
        """A run begins."""
        self._inbox.begin(run_id)
        if self._dispatcher:
            self._dispatcher.hold(may_start_users)
        self.forget_missing()

    def forget_missing(self) -> None:
        """The run is over: who is missing has to join again. Locust would wait for it to be ready."""
        for worker in self._runner.clients.missing:
            del self._runner.clients[worker.id]
            self._runner.worker_indexes.pop(worker.id, None)
        self._runner.check_stopped()

    def end(self) -> None:
        """The run stops."""
        self._ended = time.monotonic()
        gevent.killall([each for each in self._dispatching if each is not gevent.getcurrent()])
        if self._dispatcher:
            self._dispatcher.end()
            self._dispatcher = None

    def let_go(self) -> None:
        """The master ends, its workers do not: whoever started them ends them. They join the next master."""
        for worker in self._runner.clients:
            del self._runner.clients[worker]

    def _dispatch(self, worker_nodes: list[WorkerNode], user_classes: list[type[User]]) -> Dispatcher:
        self._dispatcher = Dispatcher(worker_nodes, user_classes, self._noticed, self._dispatch_again)
        return self._dispatcher

    def _noticed(self, name: str, worker: str) -> None:
        self._notice(name, worker, self._inbox.loss_of(worker) if name == "worker_lost" else None)

    def _dispatch_again(self, dispatcher: Dispatcher) -> None:
        """Not here and now: this may be the greenlet that has to hear what the workers answer."""
        greenlet = gevent.spawn(self._go_on, dispatcher)
        self._dispatching.add(greenlet)
        greenlet.link(self._dispatching.discard)

    def _go_on(self, dispatcher: Dispatcher) -> None:
        runner = self._runner
        if self._dispatcher is dispatcher and not dispatcher.iterations and runner.state in HAS_USERS:
            runner.start(runner.target_user_count, runner.spawn_rate)

    def _screen(self, handle: patches.Handle, worker: str, msg: Message) -> None:
        """Handle a message, or not; and what Locust does not think of."""
        is_stranger = worker not in self._runner.worker_indexes
        if is_stranger and msg.type in SIGNS_OF_LIFE:
            self._runner.send_message(UNKNOWN, client_id=worker)
        elif is_stranger and msg.type in self._runner.custom_messages:
            return  # it was meant for another master, and Locust would give its sender an index
        elif msg.type in ("spawning", "spawning_complete") and self._is_missing(worker):
            return  # Locust would take it for one that was never away; its next heartbeat brings it back
        elif msg.type == "stats":
            if self._inbox.takes(worker, msg.data):
                handle(worker, msg)
            if mark := msg.data.get(KEY):
                self._runner.send_message(ACKNOWLEDGED, mark, worker)
        else:
            handle(worker, msg)
        if msg.type in ("stats", "spawning_complete"):
            self._hear(msg)
        if msg.type == "heartbeat" and msg.data["state"] in HAS_USERS and self._is_to_stop():
            self._runner.send_message("stop", client_id=worker)  # it has not heard that the run is over

    def _is_missing(self, worker: str) -> bool:
        client = self._runner.clients.get(worker)
        return client is not None and client.state == STATE_MISSING

    def _hear(self, msg: Message) -> None:
        """What a worker tells about its users is the dispatcher's."""
        if self._dispatcher is None:
            return
        tell = {
            "stats": self._dispatcher.reported,
            "spawning_complete": self._dispatcher.carried_out,
            LEAVING: self._dispatcher.leaves,
            GAVE_UP: self._dispatcher.gave_up,
        }
        tell[msg.type](msg.node_id)

    def _is_to_stop(self) -> bool:
        """Users may take a while to stop, but who has them long after the stop was not told."""
        overdue = time.monotonic() - self._ended > self._environment.stop_timeout + SIGN_TIMEOUT
        return self._runner.state in HAS_NO_RUN or (self._runner.state == STATE_STOPPING and overdue)

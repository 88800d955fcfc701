"""The master's part in losing nothing when workers join, leave, die and return.

The workers' part is stampede/cluster/worker.py. The master counts each report once, and passes to the
dispatcher what it needs to decide which worker runs how many users. It asks a worker that it does not know to
join again, and stops a worker again that missed the end of a run.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import gevent
import msgspec
import zmq
from gevent import Greenlet
from gevent.event import Event
from locust import User
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from locust.runners import (
    STATE_INIT,
    STATE_MISSING,
    STATE_STOPPED,
    STATE_STOPPING,
    MasterRunner,
    WorkerNode,
)

from stampede.cluster import listener_patches, patches, roster
from stampede.cluster.delivery import KEY, Inbox, Loss
from stampede.cluster.dispatcher import Dispatcher
from stampede.cluster.identity import Identity, difference, own
from stampede.cluster.roster import STATES_WITH_USERS
from stampede.cluster.worker import (
    ACKNOWLEDGED,
    GAVE_UP,
    LEAVING,
    REFUSED,
    RESPONSE_TIMEOUT,
    STOP_RUN,
    UNKNOWN,
)

logger = logging.getLogger(__name__)

END_TIMEOUT = 25.0
"""Seconds for a master that has to end to stop its run, audit it and write its results. It must be shorter
than the grace period of the master's container."""

START_TIMEOUT = 30
"""Seconds without a heartbeat, after its first order of a run, until a worker is missing."""

PING = "stampede_ping"
"""The message of a master to itself."""

PING_TIMEOUT = 5.0
"""Seconds without a ping after which a master reads no messages any more. One is sent each second."""

STATES_WITHOUT_RUN = (STATE_INIT, STATE_STOPPED)

OnWorkerEvent = Callable[[str, str, Loss | None], None]
"""A function that receives the name of an event (``worker_joined``, ``_left``, ``_lost``, ``_returned``), the
worker's id, and what may be missing of a lost worker."""

MEMBER_MESSAGES = ("heartbeat", "spawning", "spawning_complete")
"""Messages that only a worker sends that believes it has joined this master."""


class ClusterMaster:
    """A master and its workers."""

    def __init__(
        self,
        environment: Environment,
        runner: MasterRunner,
        on_worker_event: OnWorkerEvent,
        stop_run: Callable[[str], None],
        user_classes: Callable[[], Iterable[type[User]]],
        drop: Callable[[str, str], None],
    ) -> None:
        """Listen to the workers.

        `drop` notes a message that cannot be handled, by its sender and the reason. `stop_run` ends the run
        for a cause in the locustfile. `user_classes` returns the classes of the run, and is called
        after the listeners of the start.
        """
        self._user_classes = user_classes
        self._environment = environment
        self._runner = runner
        self._on_worker_event = on_worker_event
        self._inbox = Inbox()
        self._dispatcher: Dispatcher | None = None
        self._dispatching: set[Greenlet[..., None]] = set()
        self._starting: set[str] = set()
        """Workers that have got their first order of this run."""
        self._ended_at = 0.0
        environment.dispatcher_class = self._create_dispatcher
        environment.parsed_options.enable_rebalancing = False  # Locust's own rebalancing
        self._drop = drop
        self._identity = own(environment.parsed_locustfiles)
        self._last_ping = time.monotonic()
        gevent.spawn(self._ping)
        patches.intercept_messages_of_workers(runner, self._handle_or_drop)
        listener_patches.stop_by_the_locustfile(runner, stop_run)
        runner.register_message(STOP_RUN, lambda msg, **_: stop_run(str(msg.data["cause"])))
        for message in (LEAVING, GAVE_UP):
            runner.register_message(message, lambda msg, **_: self._inform_dispatcher(msg))

    def begin(self, run_id: str, may_start_users: Event) -> None:
        """Begin a run. Its users start when `may_start_users` is set."""
        self._inbox.begin(run_id)
        self._starting.clear()
        if self._dispatcher:
            self._dispatcher.hold(may_start_users)
        self.forget_missing_workers()

    def forget_missing_workers(self) -> None:
        """Remove the missing workers between two runs: they have to join again.

        Otherwise Locust waits until a missing worker is ready.
        """
        for worker in self._runner.clients.missing:
            del self._runner.clients[worker.id]
            self._runner.worker_indexes.pop(worker.id, None)
        self._runner.check_stopped()

    def end(self) -> None:
        """Give no more orders: the run stops."""
        self._ended_at = time.monotonic()
        gevent.killall([greenlet for greenlet in self._dispatching if greenlet is not gevent.getcurrent()])
        if self._dispatcher:
            self._dispatcher.end()
            self._dispatcher = None

    def forget_all_workers(self) -> None:
        """Remove all workers, so that Locust does not end them with the master.

        They are ended by what has started them, or join the next master.
        """
        for worker in self._runner.clients:
            del self._runner.clients[worker]

    def _create_dispatcher(
        self,
        worker_nodes: list[WorkerNode],
        user_classes: list[type[User]],  # noqa: ARG002 - Locust passes those from before the test's start
    ) -> Dispatcher:
        self._dispatcher = Dispatcher(
            worker_nodes,
            self._user_classes,
            self._report_worker_event,
            self._dispatch_again,
        )
        return self._dispatcher

    def _report_worker_event(self, name: str, worker: str) -> None:
        self._on_worker_event(name, worker, self._inbox.loss_of(worker) if name == "worker_lost" else None)

    def _dispatch_again(self, dispatcher: Dispatcher) -> None:
        # In another greenlet: this one may be the one that reads the workers' answers.
        greenlet = gevent.spawn(self._continue, dispatcher)
        self._dispatching.add(greenlet)
        greenlet.link(self._dispatching.discard)

    def _continue(self, dispatcher: Dispatcher) -> None:
        runner = self._runner
        is_idle = self._dispatcher is dispatcher and not dispatcher.iterations
        if is_idle and runner.state in STATES_WITH_USERS:
            runner.start(runner.target_user_count, runner.spawn_rate)

    def _handle_or_drop(self, handle_in_locust: patches.Handle, worker: str, msg: Message) -> None:
        """Handle a message. Whatever it does wrong, the messages after it are heard."""
        try:
            self._handle(handle_in_locust, worker, msg)
        except Exception as error:
            logger.debug("a message that cannot be handled", exc_info=True)
            self._drop(worker, f"{msg.type}: {type(error).__name__}: {error}")

    def _handle(self, handle_in_locust: patches.Handle, worker: str, msg: Message) -> None:
        """Pass a message to Locust, or not, and do what Locust does not do for it."""
        is_unknown = worker not in self._runner.worker_indexes
        if msg.type == PING:
            self._last_ping = time.monotonic()
        elif msg.type == "client_ready":
            self._join(handle_in_locust, worker, msg)
        elif is_unknown and msg.type in MEMBER_MESSAGES:
            self._runner.send_message(UNKNOWN, client_id=worker)
        elif is_unknown and msg.type in self._runner.custom_messages:
            return  # it was sent to the previous master; Locust would give its sender an index
        elif msg.type in ("spawning", "spawning_complete") and self._is_missing(worker):
            return  # Locust would treat it as never missing; its next heartbeat brings it back
        elif msg.type == "stats":
            if self._inbox.accept(worker, msg.data):
                handle_in_locust(worker, msg)
            if mark := msg.data.get(KEY):
                self._runner.send_message(ACKNOWLEDGED, mark, worker)
        else:
            handle_in_locust(worker, msg)
        if msg.type == "spawning":
            self._allow_slow_start(worker)
        if msg.type in ("stats", "spawning_complete"):
            self._inform_dispatcher(msg)
        if msg.type == "heartbeat" and msg.data["state"] in STATES_WITH_USERS and self._must_have_stopped():
            self._runner.send_message("stop", client_id=worker)  # the worker has missed the first one

    def _join(self, handle_in_locust: patches.Handle, worker: str, msg: Message) -> None:
        """Let a worker join that is as this master, or refuse it."""
        theirs = msgspec.convert(msg.data, Identity)
        reason = difference(self._identity, theirs)
        if reason is None:
            handle_in_locust(worker, Message(msg.type, theirs.locust, msg.node_id))
            return
        logger.warning("stampede: worker %s is refused: %s", roster.with_labels(self._runner, worker), reason)
        self._runner.server.send_to_client(Message(REFUSED, {"reason": reason}, worker))

    def _ping(self) -> None:
        """Send a message to this master each second, the way that workers do."""
        endpoint = self._runner.server.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        address = urlsplit(endpoint)
        is_any = ipaddress.ip_address(address.hostname or "").is_unspecified
        client = zmqrpc.Client("127.0.0.1" if is_any else address.hostname, address.port, PING)
        while True:
            client.send(Message(PING, None, PING))
            gevent.sleep(1)

    @property
    def is_listening(self) -> bool:
        """Return whether messages of workers are read: one of this master's own was read lately."""
        return time.monotonic() - self._last_ping < PING_TIMEOUT

    def _allow_slow_start(self, worker: str) -> None:
        """Wait longer for the next heartbeat of a worker at its first order of a run.

        It calls the locustfile's listeners of `test_start` then. One that reads a large file blocks it.
        """
        if worker not in self._starting and (client := self._runner.clients.get(worker)):
            self._starting.add(worker)
            client.heartbeat = START_TIMEOUT

    def _is_missing(self, worker: str) -> bool:
        client = self._runner.clients.get(worker)
        return client is not None and client.state == STATE_MISSING

    def _inform_dispatcher(self, msg: Message) -> None:
        if self._dispatcher is None:
            return
        inform = {
            "stats": self._dispatcher.worker_reported,
            "spawning_complete": self._dispatcher.worker_carried_out,
            LEAVING: self._dispatcher.worker_is_leaving,
            GAVE_UP: self._dispatcher.worker_gave_up,
        }
        inform[msg.type](msg.node_id)

    def _must_have_stopped(self) -> bool:
        """Return whether workers can no longer have users: there is no run, or it ended long ago."""
        allowed = self._environment.stop_timeout + RESPONSE_TIMEOUT
        is_overdue = time.monotonic() - self._ended_at > allowed
        return self._runner.state in STATES_WITHOUT_RUN or (
            self._runner.state == STATE_STOPPING and is_overdue
        )

"""The worker's part in losing nothing when workers join or leave, and when a run stops.

The master's part is stampede/cluster/master.py. A worker reports every second, and again when its users have
stopped. When it has to end, it leaves first: it stops its users and waits until its last report is
acknowledged. If its master is silent, it reconnects, and after MASTER_TIMEOUT stops its users. By then other
workers have taken them over; the worker still delivers its reports. A master that was restarted does not know
the worker; then the worker joins again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from locust import __version__
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from locust.runners import STATE_INIT, WorkerRunner

from stampede.cluster import listener_patches, patches
from stampede.cluster.delivery import Outbox, Report
from stampede.cluster.roster import STATES_WITH_USERS

logger = logging.getLogger(__name__)

REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker."""

RESPONSE_TIMEOUT = 3.0
"""Seconds without a message from the master, which sends a heartbeat every second, until a worker reconnects;
also the seconds without an acknowledgement until it sends a report again."""

MASTER_TIMEOUT = 10.0
"""Seconds without a message from the master until a worker stops its users."""

FAREWELL_TIMEOUT = 5.0
"""Seconds for the master to acknowledge the last report of a worker that leaves."""

OPTIONS_OF_LOAD = ("num_users", "spawn_rate", "run_time", "host")
"""Options of the run that Locust does not send to the workers."""


ACKNOWLEDGED, UNKNOWN = "stampede_acknowledged", "stampede_unknown"
"""Messages to a worker: its report is counted; the master does not know the worker."""
REFUSED = "stampede_refused"
"""The message to a worker that it may not join; its `reason` is why."""
LEAVING, GAVE_UP = "stampede_leaving", "stampede_gave_up"
"""Messages to the master: the worker is about to leave; it stopped its users as the master was silent."""
STOP_RUN = "stampede_stop_run"
"""The message to the master that the locustfile ends the run; its `cause` is what in the locustfile does."""


class ClusterWorker:
    """A worker as a member of its cluster."""

    def __init__(
        self, environment: Environment, runner: WorkerRunner, renew: Callable[[Report], Report]
    ) -> None:
        """Listen to the master. `renew` updates a report before it is sent again."""
        self._environment = environment
        self._renew = renew
        self._runner = runner
        self._sign_of_life = Path(file) if (file := os.environ.get("STAMPEDE_SIGN_OF_LIFE")) else None
        self._outbox = Outbox()
        self.is_leaving = self._gave_up = False

        self._last_response = time.monotonic()
        self._run_id: str | None = None
        self._ended_run: str | None = None
        self._is_handling = False
        patches.intercept_messages_of_master(runner, self._handle)
        listener_patches.stop_by_the_locustfile(runner, self.stop_run)
        runner.register_message(ACKNOWLEDGED, lambda msg, **_: self._outbox.acknowledge(msg.data["number"]))
        runner.register_message(UNKNOWN, lambda **_: self._join_again())
        runner.greenlet.spawn(self._watch)

    def begin(self, run_id: str | None) -> None:
        """Begin a run."""
        self._run_id = run_id
        self._outbox.begin(run_id)

    def keep(self, report: dict[str, object]) -> None:
        """Keep a complete report that is about to be sent. Between runs a report is empty."""
        if self._runner.worker_state in STATES_WITH_USERS:
            self._outbox.keep(report)

    def end(self) -> None:
        """Send the last report of a run whose users have all stopped, and be ready for the next run."""
        self._ended_run = self._run_id
        self._runner._send_stats()
        patches.ready_at_once(self._environment.stop_timeout)

    def stop_run(self, cause: str) -> None:
        """Have the master stop the run, as something in the locustfile asks for it."""
        self._runner.send_message(STOP_RUN, {"cause": cause})

    def master_responded(self) -> None:
        """Note that the master has sent a message."""
        self._last_response = time.monotonic()

    def leave(self) -> None:
        """Stop the users, let them finish, and wait until the master has acknowledged all reports."""
        self._environment.process_exit_code = 0  # the master judges failed requests, not its workers
        if self._runner.worker_state not in STATES_WITH_USERS or not len(self._runner.greenlet):
            return
        self.is_leaving = True
        self._runner.send_message(LEAVING)
        self._runner.stop()
        if not self._outbox.wait_until_empty(FAREWELL_TIMEOUT):
            logger.warning("stampede: the master did not acknowledge the last report")

    def _watch(self) -> None:
        connected = time.monotonic()
        while True:
            gevent.sleep(1)
            if self._sign_of_life and (self._is_handling or not self._is_cut_off()):
                self._sign_of_life.touch()  # worker/healthcheck.py looks at it
            if self._is_handling:  # then no message is read, so the silence is the worker's own
                continue
            now = time.monotonic()
            silence = now - self._last_response
            if not self._is_cut_off():
                self._offer_again()
                self._report_again()
            elif now - connected > RESPONSE_TIMEOUT:
                self._reconnect()
                connected = now
            if silence > MASTER_TIMEOUT and self._runner.user_count:
                logger.warning(
                    "stampede: the master has not answered for %.0f s: the users of this worker stop", silence
                )
                self._gave_up = True
                self._stop_users()

    def _is_cut_off(self) -> bool:
        """Return whether the master has been silent for too long."""
        return time.monotonic() - self._last_response >= RESPONSE_TIMEOUT

    def _offer_again(self) -> None:
        """Inform the master that the users have stopped: if it was stalled itself, it does not know."""
        if self._gave_up:
            self._gave_up = False
            self._runner.send_message(GAVE_UP)

    def _report_again(self) -> None:
        """Send reports again that may have got lost, with the current number of users."""
        counts = {
            "user_count": self._runner.user_count,
            "user_classes_count": self._runner.user_classes_count,
        }
        for report in self._outbox.take_overdue(RESPONSE_TIMEOUT):
            self._runner.send_message("stats", {**self._renew(report), **counts})

    def _stop_users(self) -> None:
        """Stop the users but not the run: the worker gets users again if it comes back."""
        if self._runner.spawning_greenlet:
            self._runner.spawning_greenlet.kill()
        self._runner.stop_users(self._runner.user_classes_count)

    def _reconnect(self) -> None:
        """Open a new connection: messages on a connection that was cut arrive late or never."""
        runner = self._runner
        former, runner.client = (
            runner.client,
            zmqrpc.Client(runner.master_host, runner.master_port, runner.client_id),
        )
        former.close(linger=0)

    def _join_again(self) -> None:
        """Join a master that does not know this worker, nor its run: the master was restarted."""
        self.master_responded()
        self._gave_up = False
        if self._runner.worker_state in STATES_WITH_USERS:
            logger.warning("stampede: the master was restarted: this worker stops its run")
            self._runner.stop()
            self._runner.worker_state = STATE_INIT
        self._runner.send_message("client_ready", __version__)

    def _handle(self, handle_in_locust: Callable[[Message], None], msg: Message) -> None:
        """Handle a message of the master. This can take as long as users take to stop."""
        self._is_handling = True
        try:
            if self._is_accepted(msg):
                if msg.type == "spawn":
                    self._prepare_users(msg.data["parsed_options"])
                handle_in_locust(msg)
        finally:
            self._is_handling = False
            self.master_responded()

    def _prepare_users(self, options_of_run: Mapping[str, Any]) -> None:
        """Offer all user classes of the locustfile, and the load of the run in Locust's options.

        The master selects the classes of each run. Listeners of the locustfile may have added classes.
        """
        environment = self._environment
        added = {user_class.__name__: user_class for user_class in environment.user_classes}
        environment.user_classes = list({**environment.available_user_classes, **added}.values())
        for name in OPTIONS_OF_LOAD:
            setattr(environment.parsed_options, name, options_of_run.get(name))

    def _is_accepted(self, msg: Message) -> bool:
        """Return whether to handle a message.

        A worker starts no users while it is leaving, nor in a run that has ended. A worker that missed the
        end of a run ends it before the next run begins.
        """
        if msg.type != "spawn":
            return True
        if self.is_leaving:
            return False
        run_id = msg.data["parsed_options"].get("stampede_run_id")
        if run_id == self._ended_run is not None:
            return False
        if self._runner.worker_state in STATES_WITH_USERS and run_id != self._run_id:
            self._runner.stop()
            self._runner.worker_state = STATE_INIT
        return True

"""What a worker does so that nothing is lost when it comes or goes, and when a run stops. The master's part
is stampede/cluster/master.py.

A worker reports every second, and once more when its users have stopped. Told to end, it first leaves: it
stops its users, and waits until its last report is acknowledged. Without a sign of its master it connects
anew, and after a while stops its users, which others have taken over by then; what they did it still
delivers. A master that has been restarted does not know it: then it joins again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent
from locust import __version__
from locust.env import Environment
from locust.rpc import Message, zmqrpc
from locust.runners import STATE_INIT, WorkerRunner

from stampede.cluster import patches
from stampede.cluster.delivery import Outbox, Report
from stampede.cluster.roster import HAS_USERS

logger = logging.getLogger(__name__)

REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker."""

SIGN_TIMEOUT = 3.0
"""Seconds without a sign of the master (it gives one every second) until a worker connects anew; without an
acknowledgement until it reports the same again."""

MASTER_TIMEOUT = 10.0
"""Seconds without a sign of the master until a worker stops its users."""

FAREWELL_TIMEOUT = 5.0
"""Seconds for the master to acknowledge the last report of a worker that leaves."""

ACKNOWLEDGED, UNKNOWN = "stampede_acknowledged", "stampede_unknown"
"""Our messages to workers."""
LEAVING, GAVE_UP = "stampede_leaving", "stampede_gave_up"
"""Our messages to the master."""


class Membership:
    """A worker's in its cluster."""

    def __init__(
        self, environment: Environment, runner: WorkerRunner, renew: Callable[[Report], Report]
    ) -> None:
        """`renew` makes of a report that was sent what it has to be to be sent again."""
        self._environment = environment
        self._renew = renew
        self._runner = runner
        self._outbox = Outbox()
        self._is_leaving = self._gave_up = False
        self._last_sign = time.monotonic()
        self._run_id: str | None = None
        self._ended_run: str | None = None
        self._is_handling = False
        patches.screen_orders(runner, self._screen)
        runner.register_message(ACKNOWLEDGED, lambda msg, **_: self._outbox.acknowledged(msg.data["number"]))
        runner.register_message(UNKNOWN, lambda **_: self._join_again())
        runner.greenlet.spawn(self._watch)

    def begin(self, run_id: str | None) -> None:
        """A run begins."""
        self._run_id = run_id
        self._outbox.begin(run_id)

    def keep(self, report: dict[str, object]) -> None:
        """A report is about to be sent, with all that belongs in it. Between runs there is nothing in it."""
        if self._runner.worker_state in HAS_USERS:
            self._outbox.keep(report)

    def end(self) -> None:
        """All users have stopped: say so, and be ready for the next run."""
        self._ended_run = self._run_id
        self._runner._send_stats()
        patches.ready_at_once(self._environment.stop_timeout)

    def heard(self) -> None:
        """The master has given a sign."""
        self._last_sign = time.monotonic()

    def leave(self) -> None:
        """Told to end: users finish what they are at, and the master hears all that was counted."""
        self._environment.process_exit_code = 0  # failed requests are the master's to judge
        if self._runner.worker_state not in HAS_USERS or not len(self._runner.greenlet):
            return
        self._is_leaving = True
        self._runner.send_message(LEAVING)
        self._runner.stop()
        if not self._outbox.wait_until_empty(FAREWELL_TIMEOUT):
            logger.warning("stampede: the master did not acknowledge the last report")

    def _watch(self) -> None:
        connected = time.monotonic()
        while True:
            gevent.sleep(1)
            if self._is_handling:  # nobody reads what the master says meanwhile
                continue
            now = time.monotonic()
            silence = now - self._last_sign
            if silence < SIGN_TIMEOUT:
                self._come_back()
                self._report_again()
            elif now - connected > SIGN_TIMEOUT:
                self._connect_anew()
                connected = now
            if silence > MASTER_TIMEOUT and self._runner.user_count:
                logger.warning("stampede: no sign of the master for %.0f s: its users stop here", silence)
                self._gave_up = True
                self._stop_users()

    def _come_back(self) -> None:
        """The master may have been the one who was away, and believe that the users are still here."""
        if self._gave_up:
            self._gave_up = False
            self._runner.send_message(GAVE_UP)

    def _report_again(self) -> None:
        """What may have got lost; how many users there are is said as it is now."""
        counts = {
            "user_count": self._runner.user_count,
            "user_classes_count": self._runner.user_classes_count,
        }
        for report in self._outbox.overdue(SIGN_TIMEOUT):
            self._runner.send_message("stats", {**self._renew(report), **counts})

    def _stop_users(self) -> None:
        """The run goes on, also for this worker if it comes back; only its users are others' now."""
        if self._runner.spawning_greenlet:
            self._runner.spawning_greenlet.kill()
        self._runner.stop_users(self._runner.user_classes_count)

    def _connect_anew(self) -> None:
        """What is under way on a connection that was cut arrives late, or never."""
        runner = self._runner
        former, runner.client = (
            runner.client,
            zmqrpc.Client(runner.master_host, runner.master_port, runner.client_id),
        )
        former.close(linger=0)

    def _join_again(self) -> None:
        """The master has never heard of this worker, nor of its run: it is another one."""
        self.heard()
        self._gave_up = False
        if self._runner.worker_state in HAS_USERS:
            logger.warning("stampede: the master was restarted: the run is over here")
            self._runner.stop()
            self._runner.worker_state = STATE_INIT
        self._runner.send_message("client_ready", __version__)

    def _screen(self, handle: Callable[[Message], None], msg: Message) -> None:
        """Handle a message of the master's, which may take as long as users take to stop."""
        self._is_handling = True
        try:
            if self._is_welcome(msg):
                handle(msg)
        finally:
            self._is_handling = False
            self.heard()

    def _is_welcome(self, msg: Message) -> bool:
        """Who leaves starts no users, nor does anybody in a run that has ended. Who has missed its end ends
        it before the next begins."""
        if msg.type != "spawn":
            return True
        if self._is_leaving:
            return False
        run_id = msg.data["parsed_options"].get("run_id")
        if run_id == self._ended_run is not None:
            return False
        if self._runner.worker_state in HAS_USERS and run_id != self._run_id:
            self._runner.stop()
            self._runner.worker_state = STATE_INIT
        return True

"""A locustfile of users whose worker is disturbed: one class for each fault of VALID.

The docstring of a class describes the fault and names the check that must see it. The first user of the
class plants the fault when all users have started, and removes it when the run ends. The product has no code
for these faults.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from typing import Any, ClassVar

import gevent
from gevent import GreenletExit
from gevent.monkey import get_original
from locust import between, task
from locust.rpc import Message

from load_tests.users import ShopUser

SETTLED = 2.0
"""Seconds from the first user until the fault: by then all users are there."""

HELD_BACK = 7.0
"""Seconds for which reports do not arrive, which come every second."""

WRONG_BY = 3.0
"""Seconds between a clock and the right time."""

OTHERS_PER_CORE = 6
"""Processes that want all of it, where a machine is too full."""


class Undisturbed(ShopUser):
    """Nothing goes wrong."""

    wait_time = between(0.5, 1.5)

    @task
    def look_around(self) -> None:
        self.look()

    def look(self) -> None:
        """Send a request."""
        self.browse()


class Disturbed(Undisturbed):
    """Something does, on the first worker."""

    abstract = True
    is_planted: ClassVar[bool] = False

    def on_start(self) -> None:
        if self.environment.runner.worker_index == 0 and not self.is_planted:
            type(self).is_planted = True
            begun = gevent.spawn_later(SETTLED, self.plant)
            self.environment.events.test_stop.add_listener(lambda **_: self._end(begun))

    def _end(self, begun: Any) -> None:
        if self.is_planted:
            type(self).is_planted = False
            begun.kill()
            self.undo()

    def plant(self) -> None:
        """Let it go wrong; what goes on here is ended with the run."""

    def undo(self) -> None:
        """Make it good again."""

    def bend_reports(self, deliver: Callable[[Callable[[Message], None], Message], bool]) -> None:
        """Have `deliver` send reports instead of the worker, until it says that it is done."""
        client = self.environment.runner.client
        send = client.send

        def bent(message: Message) -> None:
            if message.type != "stats" or not message.data["stats_total"]["num_requests"]:
                send(message)
            elif deliver(send, message):
                client.send = send

        client.send = bent


class ReportDropped(Disturbed):
    """A report is lost although it is acknowledged.

    Caught by: all_requests_counted.
    """

    def plant(self) -> None:
        def lose(_send: Callable[[Message], None], message: Message) -> bool:
            runner = self.environment.runner
            runner.handle_message(
                Message("stampede_acknowledged", message.data["stampede_report"], runner.client_id)
            )
            return True

        self.bend_reports(lose)


class ReportDoubled(Disturbed):
    """A report is counted twice: the second copy has a number of its own.

    Caught by: figures_agree.
    """

    def plant(self) -> None:
        def double(send: Callable[[Message], None], message: Message) -> bool:
            send(message)
            mark = {**message.data["stampede_report"], "number": 1_000_000}
            send(Message("stats", {**message.data, "stampede_report": mark}, message.node_id))
            return True

        self.bend_reports(double)


class ReportGarbled(Disturbed):
    """A message cannot be read: one of its figures is a text.

    Caught by: messages_read.
    """

    def plant(self) -> None:
        def garble(send: Callable[[Message], None], message: Message) -> bool:
            send(Message("stats", {**message.data, "user_count": "many"}, message.node_id))
            send(message)
            return True

        self.bend_reports(garble)


class ReportsHeldBack(Disturbed):
    """Reports are delayed for some seconds and arrive together.

    Caught by: master_kept_up.
    """

    def plant(self) -> None:
        held: list[Message] = []
        over = time.monotonic() + HELD_BACK

        def hold(send: Callable[[Message], None], message: Message) -> bool:
            held.append(message)
            if time.monotonic() < over:
                return False
            for each in held:
                send(each)
            return True

        self.bend_reports(hold)


class UsersMissing(Disturbed):
    """Users end and are not replaced.

    Caught by: users_kept.
    """

    go_home: ClassVar[bool] = False

    def plant(self) -> None:
        type(self).go_home = True

    def undo(self) -> None:
        type(self).go_home = False

    def look(self) -> None:
        if self.go_home:
            raise GreenletExit  # StopUser would be an event that explains it
        self.browse()


class ResponsesForgotten(Disturbed):
    """Users open responses with catch_response=True and do not report them.

    Caught by: all_responses_reported.
    """

    forgets: ClassVar[bool] = False

    def plant(self) -> None:
        type(self).forgets = True

    def undo(self) -> None:
        type(self).forgets = False

    def look(self) -> None:
        if self.forgets:
            self.client.get("/products/", catch_response=True)
        else:
            self.browse()


class UsersDawdle(Disturbed):
    """Users are busy with something else, so they send fewer requests than planned.

    Caught by: rate_reached.
    """

    def look(self) -> None:
        self.browse()
        gevent.sleep(1)


class ClockShifted(Disturbed):
    """A worker's clock is wrong.

    Caught by: clocks_agree.
    """

    right = staticmethod(time.time)

    def plant(self) -> None:
        time.time = lambda: self.right() + WRONG_BY

    def undo(self) -> None:
        time.time = self.right


class HubBlocked(Disturbed):
    """A user blocks the event loop, so the other users of its worker cannot continue.

    Caught by: workers_on_time.
    """

    def plant(self) -> None:
        sleep = get_original("time", "sleep")
        while True:
            sleep(0.03)
            gevent.sleep(0.1)


class WorkerBusy(Disturbed):
    """A user computes, and takes the CPU time of its worker.

    Caught by: workers_had_cpu.
    """

    def plant(self) -> None:
        while True:
            pause = time.monotonic() + 0.004
            while time.monotonic() < pause:
                pass
            gevent.sleep(0)


class WorkerHeldUp(Disturbed):
    """A worker gets a tenth of a core: it is stopped and continued ten times a second.

    Caught by: workers_on_time.
    """

    duty: ClassVar[subprocess.Popen[bytes] | None] = None

    def plant(self) -> None:
        script = f"while kill -STOP {os.getpid()}; do sleep 0.09; kill -CONT {os.getpid()}; sleep 0.01; done"
        type(self).duty = subprocess.Popen(["/bin/sh", "-c", script])

    def undo(self) -> None:
        if self.duty:
            self.duty.kill()
            self.duty.wait()
            type(self).duty = None


class CoresTaken(Disturbed):
    """Other processes take all cores of the machine.

    Caught by: workers_got_cores.
    """

    others: ClassVar[list[subprocess.Popen[bytes]]] = []

    def plant(self) -> None:
        for _ in range(OTHERS_PER_CORE * (os.cpu_count() or 1)):
            self.others.append(subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]))

    def undo(self) -> None:
        for each in self.others:
            each.kill()
            each.wait()
        self.others.clear()


class WorkerThrottled(Undisturbed):
    """A worker's container is limited to a tenth of a core: see disturbances.py.

    Caught by: workers_not_throttled.
    """

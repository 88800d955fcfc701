"""A race: all racers of all workers fire at the same instant, round after round.

Locust has no rendezvous. What it has are messages between the master and its workers, and of those a
round is made, for each kind of racer by itself:

    master: Coordinator (rounds.py)                   worker: Starter (here)
    prepare ->  one racer makes what is raced for     <- the prize
    arm     ->  every racer gets ready for it         <- so many are ready, and the worker's clock
    fire    ->  all of them race at the given instant <- when each sent, when it had its answer, who won

The instant is told to each worker in that worker's own clock. Every wait has an end: a worker that has
died, or is late, is left out of the round. Locust without workers is both, in one process.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import gevent
from gevent.event import AsyncResult, Event
from locust import User, constant, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.rpc import Message
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_STOPPING, LOCUST_STATE_WAITING

from stampede.race.rounds import (
    ANSWER_TIMEOUT,
    CALL,
    FIRE_TIMEOUT,
    GRACE,
    READY_TIMEOUT,
    REPLY,
    Prize,
    Races,
)


class RacingUser(User):
    """A user who races against all others of its class, on whatever worker they are. Say how by methods:

    class LastTicket(RacingUser, HttpUser):
        def prepare(self):
            return self.client.post("/tickets", json={"left": 1}).json()

        def race(self, prize):
            return self.client.post(f"/tickets/{prize['id']}/buy").status_code == 201
    """

    abstract = True
    wait_time = constant(0)  # the rounds set the pace, whatever other base classes wait

    def prepare(self) -> Prize | None:
        """Make what the next round is for; one racer of all is asked. None: it could not, ask again."""
        raise NotImplementedError

    def get_ready(self, prize: Prize) -> None:
        """Do what must not take time at the start, like connecting. Who raises sits the round out."""

    def race(self, prize: Prize) -> bool | None:
        """Send the request that all send now. True: it won, False: it lost, None: neither, or unknown."""
        raise NotImplementedError

    @task
    def take_part(self) -> None:
        """Wait for the next round and take part in it; or first make what it is for."""
        while not isinstance(errand := self._wait_to_be_called(), Heat):
            errand.run(self)
        errand.run(self)

    def _wait_to_be_called(self) -> Heat | Preparation:
        waiting = _waiting(self.environment, type(self).__name__)
        call: AsyncResult[Any] = AsyncResult()
        waiting[self] = call
        try:
            with self._idle():
                return cast("Heat | Preparation", call.get())
        finally:
            waiting.pop(self, None)

    def _call(self, errand: Heat | Preparation) -> None:
        """Send this racer, who is waiting, on an errand."""
        self._state = LOCUST_STATE_RUNNING  # at once: from now on a stop lets it finish
        _waiting(self.environment, type(self).__name__).pop(self).set(errand)

    def _leave_the_line(self) -> None:
        """From this moment on a stop lets it finish: it is about to send, and must hear the answer."""
        if self._state == LOCUST_STATE_WAITING:
            self._state = LOCUST_STATE_RUNNING

    @contextmanager
    def _idle(self) -> Iterator[None]:
        """Wait as Locust's own waits do: a stop ends it at once, and no timer has to look for one."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_WAITING
        yield
        if self._state == LOCUST_STATE_WAITING:  # it may have been called, and then told to stop
            self._state = LOCUST_STATE_RUNNING


def _waiting(environment: Environment, user_class: str) -> dict[RacingUser, AsyncResult[Any]]:
    """The racers of this process that wait to be called. A worker's may be there before its init event."""
    by_class: defaultdict[str, dict[RacingUser, AsyncResult[Any]]]
    by_class = vars(environment).setdefault("stampede_racers", defaultdict(dict))
    return by_class[user_class]


class Crowd(set[RacingUser]):
    """Racers of whom one can wait until all have left."""

    def __init__(self, racers: Iterable[RacingUser] = ()) -> None:
        super().__init__(racers)
        self._empty = Event()

    def leave(self, racer: RacingUser) -> None:
        self.discard(racer)
        if not self:
            self._empty.set()

    def wait_until_empty(self, timeout: float) -> None:
        if self:
            self._empty.clear()
            self._empty.wait(timeout)


class Preparation:
    """The errand of the one who makes what is raced for."""

    def __init__(self, hand_in: Callable[[Prize | None], None]) -> None:
        self._hand_in = hand_in

    def run(self, racer: RacingUser) -> None:
        prize = None
        try:
            prize = racer.prepare()
        finally:  # if it raises, the master need not wait, and Locust still gets the exception
            self._hand_in(prize)


class Heat:
    """A round as one worker sees it."""

    def __init__(self, name: str, prize: Prize, racers: Iterable[RacingUser]) -> None:
        self.name = name
        self.shots: list[list[Any]] = []
        """Of each racer who has fired: sent, answered, won; in this worker's clock."""
        self.fire_call: AsyncResult[dict[str, Any]] = AsyncResult()
        self._prize = prize
        self._late = Crowd(racers)
        self._at_the_line = Crowd()
        self._closed = self._fired = False
        self._gun = Event()

    def run(self, racer: RacingUser) -> None:
        """What each racer does. Whatever becomes of it, nobody goes on waiting for it."""
        try:
            racer.get_ready(self._prize)
            if self._closed:
                return
            self._at_the_line.add(racer)
        finally:
            self._late.leave(racer)
        try:
            with racer._idle():
                self._gun.wait()
            if self._fired:
                self._shoot(racer)
        finally:
            self._at_the_line.leave(racer)

    def _shoot(self, racer: RacingUser) -> None:
        shot: list[Any] = [0.0, math.inf, None]
        self.shots.append(shot)  # before it has an answer: it may get none
        shot[0] = time.time()
        try:
            won = racer.race(self._prize)
            shot[2] = None if won is None else bool(won)
        finally:
            shot[1] = time.time()

    def wait_until_ready(self) -> int:
        """Let racers get ready for READY_TIMEOUT at most; return how many are."""
        self._late.wait_until_empty(READY_TIMEOUT)
        self._closed = True
        return len(self._at_the_line)

    def fire(self, at: float | None) -> None:
        """Let all of them go at this instant, in seconds of this clock, one right after the other.

        Not if it is None, and not if this process has been away meanwhile: the others are done.
        """
        if at is None:
            return
        while (left := at - time.time()) > 0:
            gevent.sleep(left)
        if left < -GRACE:
            return
        self._fired = True
        for racer in self._at_the_line:
            racer._leave_the_line()
        self._gun.set()
        self._at_the_line.wait_until_empty(ANSWER_TIMEOUT)

    def end(self) -> None:
        """Let go who still waits for the gun."""
        self._gun.set()


class Starter:
    """Does on a worker what the master calls for. Its listener returns at once: all messages wait for it."""

    def __init__(self, environment: Environment, runner: Any) -> None:
        self._environment = environment
        self._runner = runner
        self._heats: dict[str, Heat] = {}
        runner.register_message(CALL, self._called)

    def _called(self, msg: Message, **_: Any) -> None:
        call = {**msg.data, "received": time.time()}
        waiting = list(_waiting(self._environment, call["user_class"]))
        match call["act"]:
            case "prepare" if waiting:
                waiting[0]._call(Preparation(lambda prize: self._reply(call, prize=prize)))
            case "prepare":
                self._reply(call, prize=None)
            case "arm":
                gevent.spawn(self._conduct, call, self._arm(call, waiting))
            case "fire":
                heat = self._heats.get(call["user_class"])
                if heat and heat.name == call["heat"]:
                    heat.fire_call.set(call)

    def _arm(self, call: dict[str, Any], racers: list[RacingUser]) -> Heat:
        heat = self._heats[call["user_class"]] = Heat(call["heat"], call["prize"], racers)
        for racer in racers:
            racer._call(heat)
        return heat

    def _conduct(self, call: dict[str, Any], heat: Heat) -> None:
        try:
            self._reply(call, ready=heat.wait_until_ready())
            if fire_call := heat.fire_call.wait(FIRE_TIMEOUT):
                heat.fire(fire_call["at"])
                self._reply(fire_call, shots=heat.shots)
        finally:
            heat.end()

    def _reply(self, call: dict[str, Any], **outcome: Any) -> None:
        said = {key: call[key] for key in ("act", "user_class", "heat", "asked", "received")}
        self._runner.send_message(REPLY, {**said, **outcome, "replied": time.time()})


# hooks.py alone listens to Locust's events, but for this and rounds.py: a locustfile that races
# must work with Locust as it is, where nobody has loaded the engine.
@events.init.add_listener
def _attach(environment: Environment, runner: Any, **_: Any) -> None:
    if isinstance(runner, (WorkerRunner, LocalRunner)):
        Starter(environment, runner)
    if isinstance(runner, (MasterRunner, LocalRunner)):
        Races(environment, runner, RacingUser)

"""A race: all racers of all workers send a request at the same instant, round after round.

Locust has no rendezvous, but it has messages between the master and its workers. Each class of racers has its
own rounds, which consist of these messages:

    master: Coordinator (rounds.py)                      worker: Starter (this module)
    prepare ->  one racer makes the prize of the round   <- the prize
    arm     ->  every racer gets ready for it            <- the number of ready racers, and the worker's clock
    fire    ->  all racers race at the given instant     <- when each request was sent and answered, who won

Each worker gets the instant by its own clock. Every wait has a time-out: a worker that has died, or is late,
is left out of the round. Without workers, one process has both parts.
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
    """A user that races against all others of its class, on all workers.

    Define `prepare` and `race`, and `get_ready` where needed:

    class LastTicket(RacingUser, HttpUser):
        def prepare(self):
            return self.client.post("/tickets", json={"left": 1}).json()

        def race(self, prize):
            return self.client.post(f"/tickets/{prize['id']}/buy").status_code == 201
    """

    abstract = True
    wait_time = constant(0)  # the rounds set the pace, not the wait time of another base class
    sets_own_pace = True  # neither does RATE or the pace of a profile: see stampede/plan/pace.py

    def prepare(self) -> Prize | None:
        """Make the prize of the next round, and return it. One racer does this for all.

        None means that there is no prize; then another racer has to try.
        """
        raise NotImplementedError

    def get_ready(self, prize: Prize) -> None:
        """Do what takes time before the start, such as connecting.

        A racer that raises an exception does not take part in the round.
        """

    def race(self, prize: Prize) -> bool | None:
        """Send the request of the race. Return True for won, False for lost, None for neither or unknown."""
        raise NotImplementedError

    @task
    def take_part(self) -> None:
        """Wait for the next round and take part in it. Make its prize first, if called to."""
        while not isinstance(assignment := self._wait_for_call(), Heat):
            assignment.run(self)
        assignment.run(self)

    def _wait_for_call(self) -> Heat | Preparation:
        waiting = _waiting(self.environment, type(self).__name__)
        call: AsyncResult[Any] = AsyncResult()
        waiting[self] = call
        try:
            with self._idle():
                return cast("Heat | Preparation", call.get())
        finally:
            waiting.pop(self, None)

    def _call(self, assignment: Heat | Preparation) -> None:
        """Give this racer, which is waiting, something to do."""
        self._state = LOCUST_STATE_RUNNING  # at once, so that a stop lets the racer finish
        _waiting(self.environment, type(self).__name__).pop(self).set(assignment)

    def _leave_the_line(self) -> None:
        """Let this racer finish when its run stops: it is about to send a request."""
        if self._state == LOCUST_STATE_WAITING:
            self._state = LOCUST_STATE_RUNNING

    @contextmanager
    def _idle(self) -> Iterator[None]:
        """Mark this racer as waiting, as Locust's own waits do: a stop then ends the wait at once."""
        if self._state == LOCUST_STATE_STOPPING:
            raise StopUser
        self._state = LOCUST_STATE_WAITING
        yield
        if self._state == LOCUST_STATE_WAITING:  # otherwise it was called, and perhaps stopped since
            self._state = LOCUST_STATE_RUNNING


def _waiting(environment: Environment, user_class: str) -> dict[RacingUser, AsyncResult[Any]]:
    """Return the waiting racers of a class in this process. They can exist before the init event."""
    by_class: defaultdict[str, dict[RacingUser, AsyncResult[Any]]]
    by_class = vars(environment).setdefault("stampede_racers", defaultdict(dict))
    return by_class[user_class]


class Crowd(set[RacingUser]):
    """A set of racers that can be waited for until it is empty."""

    def __init__(self, racers: Iterable[RacingUser] = ()) -> None:
        super().__init__(racers)
        self._empty = Event()

    def leave(self, racer: RacingUser) -> None:
        """Remove a racer."""
        self.discard(racer)
        if not self:
            self._empty.set()

    def wait_until_empty(self, timeout: float) -> None:
        """Wait until all racers have left, at most so many seconds."""
        if self:
            self._empty.clear()
            self._empty.wait(timeout)


class Preparation:
    """The task of making the prize of a round, for one racer."""

    def __init__(self, reply: Callable[[Prize | None], None]) -> None:
        self._reply = reply

    def run(self, racer: RacingUser) -> None:
        """Make the prize and reply with it; with None if that fails."""
        prize = None
        try:
            prize = racer.prepare()
        finally:  # on an exception too, so that the master does not wait
            self._reply(prize)


class Heat:
    """A round on one worker."""

    def __init__(self, name: str, prize: Prize, racers: Iterable[RacingUser]) -> None:
        self.name = name
        self.shots: list[list[Any]] = []
        """For each racer that has fired: sent, answered, won. Times are by this worker's clock."""
        self.fire_call: AsyncResult[dict[str, Any]] = AsyncResult()
        self._prize = prize
        self._late = Crowd(racers)
        self._at_the_line = Crowd()
        self._closed = self._fired = False
        self._gun = Event()

    def run(self, racer: RacingUser) -> None:
        """Take part in the round as one racer. The round does not wait for a racer that fails or stops."""
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
        self.shots.append(shot)  # before the answer, as there may be none
        shot[0] = time.time()
        try:
            won = racer.race(self._prize)
            shot[2] = None if won is None else bool(won)
        finally:
            shot[1] = time.time()

    def wait_until_ready(self) -> int:
        """Wait until all racers are ready, READY_TIMEOUT at most. Return how many are ready."""
        self._late.wait_until_empty(READY_TIMEOUT)
        self._closed = True
        return len(self._at_the_line)

    def fire(self, at: float | None) -> None:
        """Start all ready racers at an instant, in seconds since the epoch by this worker's clock.

        Start none if the instant is None, or if it has passed because this process was stalled: then the
        racers of other workers are done.
        """
        if at is None:
            return
        while (remaining := at - time.time()) > 0:
            gevent.sleep(remaining)
        if remaining < -GRACE:
            return
        self._fired = True
        for racer in self._at_the_line:
            racer._leave_the_line()
        self._gun.set()
        self._at_the_line.wait_until_empty(ANSWER_TIMEOUT)

    def end(self) -> None:
        """Release the racers that are still waiting for the start."""
        self._gun.set()


class Starter:
    """The worker's part in races: it carries out the master's calls.

    Its listener must return at once, since the worker handles no other message meanwhile.
    """

    def __init__(self, environment: Environment, runner: Any) -> None:
        self._environment = environment
        self._runner = runner
        self._heats: dict[str, Heat] = {}
        runner.register_message(CALL, self._on_call)

    def _on_call(self, msg: Message, **_: Any) -> None:
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
        copied = {key: call[key] for key in ("act", "user_class", "heat", "asked", "received")}
        self._runner.send_message(REPLY, {**copied, **outcome, "replied": time.time()})


# Only hooks.py listens to Locust's events, except for this module and rounds.py: a locustfile with racers
# must also work with Locust alone, without the engine.
@events.init.add_listener
def _attach(environment: Environment, runner: Any, **_: Any) -> None:
    if isinstance(runner, (WorkerRunner, LocalRunner)):
        Starter(environment, runner)
    if isinstance(runner, (MasterRunner, LocalRunner)):
        Races(environment, runner, RacingUser)

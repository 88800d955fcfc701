"""The rounds of a race, as the master conducts them: when all racers fire, and the record of each round.

racers.py has the workers' part, and describes how both work together.
"""

from __future__ import annotations

import itertools
import logging
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import gevent
from gevent import Greenlet
from gevent.queue import Empty, Queue
from locust import User
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_RUNNING, LocalRunner

from stampede.cluster import roster
from stampede.cluster.clocks import Clock

logger = logging.getLogger(__name__)

Prize = dict[str, Any]
"""The object of a race, as JSON: for example a product."""

CALL, REPLY = "stampede_race_call", "stampede_race_reply"
"""The master's message to a worker, and the worker's reply."""

# All in seconds.
PREPARE_TIMEOUT = 15.0
"""For a racer to make the prize."""
READY_TIMEOUT = 2.0
"""For the racers of a worker to get ready. A racer that takes longer does not take part in the round."""
FIRE_TIMEOUT = 5.0
"""For the master to send the instant of the start. After that it has died or has given up the round."""
ANSWER_TIMEOUT = 15.0
"""For the racers to get their answers."""
GRACE = 0.5
"""For messages to arrive, in addition to the time for the act itself."""
LEAD = 0.25
"""From the message with the instant to the instant: the message must arrive on busy workers too."""
PAUSE = 0.5
"""Between two rounds."""
MOST_ROUNDS = 2_000
"""Rounds of a user class that are kept of a run."""
RAMP_TIMEOUT = 10.0
"""For all users to start before the first round. In a longer ramp, the users that have started race."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A racer's request. Times are in seconds since the epoch; `answered` is infinite without an answer."""

    sent: float
    answered: float
    won: bool | None


def spread_ms(shots: Sequence[Shot]) -> float:
    """Return the milliseconds between the first and the last shot. There must be at least one."""
    sent = [shot.sent for shot in shots]
    return (max(sent) - min(sent)) * 1000


def overlap(shots: Iterable[Shot]) -> float | None:
    """Return the share, 0 to 1, of losers whose request overlapped a winner's; None where no racer lost."""
    shots = list(shots)
    losers = [shot for shot in shots if shot.won is False]
    if not losers:
        return None
    winners = [shot for shot in shots if shot.won]
    sent = sorted(winner.sent for winner in winners)
    answered = sorted(winner.answered for winner in winners)
    # More winners had been sent by the loser's end than had been answered before its start.
    met = sum(bisect_right(sent, loser.answered) > bisect_left(answered, loser.sent) for loser in losers)
    return met / len(losers)


class Coordinator:
    """The rounds of one class of racers, from a test's start to its stop."""

    def __init__(self, environment: Environment, user_class: str, clocks: dict[str, Clock]) -> None:
        self.replies: Queue[tuple[str, dict[str, Any]]] = Queue()
        self.stopping = False
        self._environment = environment
        self._runner: Any = environment.runner
        self._user_class = user_class
        self._clocks = clocks
        self._heat = ""
        self._kept_every = 1

    def run(self) -> None:
        """Conduct rounds until the test stops."""
        self._wait_for_ramp()
        rounds = itertools.count(1)
        number = next(rounds)
        for attempt in itertools.count():
            if self.stopping:
                return
            if record := self._round(attempt):
                self._record({"round": number, **record})
                number = next(rounds)
            if not self.stopping:
                gevent.sleep(PAUSE)

    def _wait_for_ramp(self) -> None:
        deadline = time.monotonic() + RAMP_TIMEOUT
        while self._runner.state != STATE_RUNNING and time.monotonic() < deadline:
            gevent.sleep(0.1)

    def _round(self, attempt: int) -> dict[str, Any] | None:
        """Conduct one round and return its record, or None if there was no race."""
        self._heat = uuid4().hex  # identifies late messages of other rounds and tests
        prize = self._ask_for_prize(attempt)
        if prize is None:
            return None
        ready = self._arm(prize)
        at = time.time() + LEAD
        shots = self._fire(ready, at)
        if not shots:
            return None
        return {"at": at, "racers": sum(ready.values()), **_figures(shots), "prize": prize}

    def _ask_for_prize(self, attempt: int) -> Prize | None:
        workers = self._workers()
        if not workers:
            return None
        chosen = workers[attempt % len(workers)]  # another worker each time, as one may just have died
        self._call("prepare", chosen)
        reply = self._collect("prepare", [chosen], PREPARE_TIMEOUT).get(chosen, {})
        return reply.get("prize")

    def _arm(self, prize: Prize) -> dict[str, int]:
        """Let all racers get ready, and return how many are ready on each worker."""
        workers = self._workers()
        for worker in workers:
            self._call("arm", worker, prize=prize)
        replies = self._collect("arm", workers, READY_TIMEOUT)
        for worker in set(workers) - set(replies):
            self._call("fire", worker, at=None)  # release its racers for the next round
        return {worker: reply["ready"] for worker, reply in replies.items()}

    def _fire(self, ready: dict[str, int], at: float) -> list[Shot]:
        for worker in ready:
            self._call("fire", worker, at=at + self._clocks[worker].offset)
        replies = self._collect("fire", ready, LEAD + ANSWER_TIMEOUT)
        return [
            Shot(sent - self._clocks[worker].offset, answered - self._clocks[worker].offset, won)
            for worker, reply in replies.items()
            for sent, answered, won in reply["shots"]
        ]

    def _workers(self) -> list[str]:
        """Return the connected workers that have racers.

        Locust without workers is one worker, "local": this is the sender of its messages to itself.
        """
        if isinstance(self._runner, LocalRunner):
            return ["local"] if self._runner.user_classes_count.get(self._user_class) else []
        return [
            worker.id
            for worker in self._runner.clients.all
            if worker.state in roster.STATES_WITH_USERS and worker.user_classes_count.get(self._user_class)
        ]

    def _alive(self) -> set[str]:
        """Return the workers that may still reply, including those whose users are stopping."""
        if isinstance(self._runner, LocalRunner):
            return {"local"}
        return set(roster.connected_workers(self._runner))

    def _call(self, act: str, worker: str, **details: Any) -> None:
        call = {
            "act": act,
            "user_class": self._user_class,
            "heat": self._heat,
            "asked": time.time(),
            **details,
        }
        self._runner.send_message(CALL, call, client_id=worker)

    def _collect(self, act: str, workers: Iterable[str], timeout: float) -> dict[str, dict[str, Any]]:
        """Return the workers' replies to one act: all, or at the time-out the replies that have come."""
        replies: dict[str, dict[str, Any]] = {}
        awaited = set(workers)
        deadline = time.monotonic() + timeout + GRACE
        while awaited & self._alive() and time.monotonic() < deadline:
            try:
                worker, reply = self.replies.get(timeout=GRACE)  # then check which workers are still alive
            except Empty:
                continue
            if (reply["act"], reply["heat"]) == (act, self._heat):
                replies[worker] = reply
                awaited.discard(worker)
        return replies

    def _record(self, record: dict[str, Any]) -> None:
        record["user_class"] = self._user_class
        self._keep(record)
        met = "" if record["overlap"] is None else f", {record['overlap']:.0%} of the losers met a winner"
        logger.info(
            "stampede: %s, round %d: %d racers, %d won, %d lost; shots within %.1f ms%s",
            *(self._user_class, record["round"], record["racers"], record["winners"], record["losers"]),
            *(record["spread_ms"], met),
        )

    def _keep(self, record: dict[str, Any]) -> None:
        """Keep a round. Of very many only every second one is kept, then every fourth, and so on."""
        races = self._environment.stampede_races
        if self._is_kept(record):
            races.append(record)
        if sum(each["user_class"] == self._user_class for each in races) > MOST_ROUNDS:
            self._kept_every *= 2
            races[:] = filter(self._is_kept, races)

    def _is_kept(self, record: dict[str, Any]) -> bool:
        return bool(record["user_class"] != self._user_class or record["round"] % self._kept_every == 0)


def _figures(shots: Sequence[Shot]) -> dict[str, Any]:
    return {
        "shots": len(shots),
        "winners": sum(shot.won is True for shot in shots),
        "losers": sum(shot.won is False for shot in shots),
        "spread_ms": spread_ms(shots),
        "overlap": overlap(shots),
    }


class Races:
    """All races of one master. They begin and end with its tests."""

    def __init__(self, environment: Environment, runner: Any, racer: type[User]) -> None:
        self._environment = environment
        self._racer = racer
        self._clocks: dict[str, Clock] = defaultdict(Clock)
        self._coordinators: dict[str, tuple[Coordinator, Greenlet[..., None]]] = {}
        environment.stampede_races = []
        runner.register_message(REPLY, self._on_reply)
        environment.events.test_start.add_listener(self._begin)
        environment.events.test_stopping.add_listener(self._let_finish)
        environment.events.test_stop.add_listener(self._end)

    def _begin(self, **_: Any) -> None:
        self._end()
        self._clocks.clear()
        self._environment.stampede_races = []  # a new list: the last run keeps its own
        classes = {
            **self._environment.user_classes_by_name,
            **(self._environment.available_user_classes or {}),
        }
        for name, user_class in classes.items():  # a class without users finds no worker
            if issubclass(user_class, self._racer):
                coordinator = Coordinator(self._environment, name, self._clocks)
                self._coordinators[name] = coordinator, gevent.spawn(coordinator.run)

    def _on_reply(self, msg: Message, **_: Any) -> None:
        reply, worker = msg.data, msg.node_id
        self._clocks[worker].add_exchange(reply["asked"], reply["received"], reply["replied"], time.time())
        if reply["user_class"] in self._coordinators:
            self._coordinators[reply["user_class"]][0].replies.put((worker, reply))

    def _let_finish(self, **_: Any) -> None:
        """Begin no more rounds. A round that has been fired is still recorded while users finish."""
        for coordinator, _greenlet in self._coordinators.values():
            coordinator.stopping = True

    def _end(self, **_: Any) -> None:
        greenlets = [greenlet for _coordinator, greenlet in self._coordinators.values()]
        gevent.joinall(greenlets, timeout=GRACE)  # the last replies may still arrive
        gevent.killall(greenlets, block=False)
        self._coordinators.clear()

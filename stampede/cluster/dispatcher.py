"""Who runs how many users, decided anew whenever a worker comes, goes or dies.

It takes the place of Locust's own dispatcher (``environment.dispatcher_class``), which loses users when
workers leave, and is told of the same things. What differs:

- Users of a worker that is gone are taken over at once, whatever the spawn rate.
- Users change workers in two steps: first they are stopped, and only when that is reported are as many
  started elsewhere. So there are never more than wanted. The users of a worker that is silent cannot be
  seen; they count no more when Locust calls it missing.
- A worker is told of a change when it has carried out the last one: a ramp that is faster than the users
  can stop is as fast as they can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import floor
from time import monotonic

import gevent
from gevent.event import Event
from locust import User
from locust.runners import STATE_MISSING, WorkerNode

from stampede.cluster.shares import Kind, Users, share_out

Orders = dict[str, dict[str, int]]
"""How many users of each kind workers are to run, by their ids."""

PAUSE = 0.1
"""Seconds between two looks at what the workers report, where nothing is heard."""

PATIENCE = 20.0
"""Seconds for a worker to carry out what it was told, until it is told the next thing all the same: over the
time that users have to stop."""


class Dispatcher:
    """The users of one run. Iterating it goes on until the workers run what is wanted."""

    dispatch_in_progress = True
    """Always: Locust would start a dispatch of its own whenever a worker comes or goes."""

    def __init__(
        self,
        worker_nodes: Iterable[WorkerNode],
        user_classes: Iterable[type[User]],
        notice: Callable[[str, str], None],
        dispatch_again: Callable[[Dispatcher], None],
    ) -> None:
        """`notice` hears what happens to which worker; `dispatch_again` sees to it that somebody iterates."""
        self._notice = notice
        self._dispatch_again = dispatch_again
        self._nodes: dict[str, WorkerNode] = {}
        self._told: dict[str, Users] = {}
        self._told_at: dict[str, float] = {}
        """Of those who have not said yet that they have carried it out."""
        self._leaving: set[str] = set()
        self._returned: set[str] = set()
        """They were missing: what they run is known when they report."""
        self._kinds_ever: set[str] = set()
        """A worker stops only those that it is told 0 of."""
        self._use(user_classes)
        self._target = self._level_before = 0
        self._rate, self._since = 1.0, monotonic()
        self.iterations = 0
        """How many will look again at this moment."""
        self._is_over = False
        self._changed = Event()
        self._may_begin = Event()
        self._may_begin.set()
        for node in worker_nodes:
            self._take_in(node)

    def hold(self, until: Event) -> None:
        """Nobody is told anything before this has happened."""
        self._may_begin = until
        until.rawlink(lambda _: setattr(self, "_since", monotonic()))  # the ramp begins then

    # What Locust tells.

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
    ) -> None:
        """From now on so many users are wanted, reached by `spawn_rate` more or fewer a second."""
        self._level_before, self._since = self._level(), monotonic()
        self._target, self._rate = target_user_count, spawn_rate
        if user_classes is not None:
            self._use(user_classes)
        self._changed.set()

    def add_worker(self, worker_node: WorkerNode) -> None:
        """A worker has joined, or one that was missing is heard again."""
        worker = worker_node.id
        if worker_node.state == STATE_MISSING:
            self._nodes[worker] = worker_node
            self._returned.add(worker)
            self._notice("worker_returned", worker)
        else:
            self._take_in(worker_node)
            self._notice("worker_joined", worker)
        self._wake()

    def remove_worker(self, worker_node: WorkerNode) -> None:
        """A worker has left, or is missing."""
        worker = worker_node.id
        for known in (self._nodes, self._told, self._told_at):
            known.pop(worker, None)
        self._leaving.discard(worker)
        self._returned.discard(worker)
        self._notice("worker_lost" if worker_node.state == STATE_MISSING else "worker_left", worker)
        self._wake()

    # What workers tell.

    def leaves(self, worker: str) -> None:
        """A worker is about to go. It stops its users by itself; as long as there are any, they count."""
        if worker in self._nodes:
            self._leaving.add(worker)
            self._wake()

    def gave_up(self, worker: str) -> None:
        """A worker has stopped its users by itself, and is there again."""
        if node := self._nodes.get(worker):
            node.user_classes_count = {}
            self._returned.discard(worker)
            self._take_in(node)
            self._wake()

    def carried_out(self, worker: str) -> None:
        """A worker runs what it was told to."""
        self._told_at.pop(worker, None)
        self._changed.set()

    def reported(self, worker: str) -> None:
        """What a worker runs is known."""
        if worker in self._returned:
            self._returned.discard(worker)
            self._take_in(self._nodes[worker])
            self._wake()
        self._changed.set()

    def end(self) -> None:
        """The run stops: nobody is told anything any more."""
        self._is_over = True
        self._changed.set()

    # What workers are told.

    def __iter__(self) -> Iterator[Orders]:
        """Orders for those to whom something changes, again and again; at the end everybody's."""
        self.iterations += 1
        try:
            while not (self._may_begin.is_set() and self._is_settled()):
                if self._may_begin.is_set() and (changes := self._possible_changes()):
                    yield self._give(changes)
                else:
                    self._changed.wait(PAUSE)
                    self._changed.clear()
                if self._is_over:  # what follows in Locust would call the run a running one again
                    raise gevent.GreenletExit
        finally:
            self.iterations -= 1  # whoever comes or goes from here on needs another
        yield self._give(self._told)
        if self._is_over:
            raise gevent.GreenletExit

    def _possible_changes(self) -> dict[str, Users]:
        """What workers can be told now: to stop users at once, to start as many as there is room for."""
        wanted = self._wanted()
        free = [worker for worker in wanted if not self._is_busy(worker)]
        fewer = {worker: wanted[worker] & self._told[worker] for worker in free}
        room = self._level() - self._most_there_can_be({**self._told, **fewer})
        changes = {}
        for worker in sorted(free, key=lambda each: fewer[each].total()):
            more = _first(wanted[worker] - fewer[worker], room)
            room -= more.total()
            # Who has not carried out the last order in all that time may never have got it.
            if fewer[worker] + more != +self._told[worker] or worker in self._told_at:
                changes[worker] = fewer[worker] + more
        return changes

    def _give(self, changes: Mapping[str, Users]) -> Orders:
        self._told.update(changes)
        self._told_at.update(dict.fromkeys(changes, monotonic()))
        return {worker: {kind: share[kind] for kind in self._kinds_ever} for worker, share in changes.items()}

    def _is_settled(self) -> bool:
        return (
            self._level() == self._target
            and bool(self._crew())
            and not self._leaving
            and not self._returned
            and not any(self._is_busy(worker) for worker in self._told)
            and all(+self._told[worker] == +share for worker, share in self._wanted().items())
        )

    def _level(self) -> int:
        """How many users there should be by now."""
        steps = 1 + floor(self._rate * (monotonic() - self._since))
        if self._level_before < self._target:
            return min(self._level_before + steps, self._target)
        return max(self._level_before - steps, self._target)

    def _wanted(self) -> dict[str, Users]:
        return share_out({worker: self._told[worker] for worker in self._crew()}, self._level(), self._kinds)

    def _crew(self) -> list[str]:
        """Those who can be told to run users."""
        return [each for each in self._nodes if each not in self._leaving and each not in self._returned]

    def _is_busy(self, worker: str) -> bool:
        return worker in self._told_at and monotonic() - self._told_at[worker] < PATIENCE

    def _most_there_can_be(self, told: Mapping[str, Users]) -> int:
        """Users that run or may run any moment: who was told to stop some may not have done it yet."""
        there: dict[str, Users] = {}
        for worker, node in self._nodes.items():
            there[worker] = Counter(node.user_classes_count)
        for worker in self._crew():
            there[worker] |= told[worker]
        return sum(users.total() for users in there.values())

    def _take_in(self, node: WorkerNode) -> None:
        self._nodes[node.id] = node
        self._told[node.id] = Counter(node.user_classes_count)
        self._told_at.pop(node.id, None)

    def _use(self, user_classes: Iterable[type[User]]) -> None:
        self._kinds = [
            Kind(each.__name__, each.weight, each.fixed_count)
            for each in sorted(user_classes, key=lambda each: each.__name__)
        ]
        self._kinds_ever |= {kind.name for kind in self._kinds}

    def _wake(self) -> None:
        self._changed.set()
        if not self.iterations and not self._is_over:
            self._dispatch_again(self)


def _first(users: Users, room: int) -> Users:
    """As many of them as there is room for, of the most numerous kinds first."""
    chosen: Users = Counter()
    for kind, number in users.most_common():
        chosen[kind] = max(0, min(number, room - chosen.total()))
    return +chosen

"""Decides how many users each worker runs, again whenever a worker joins, leaves or dies.

It replaces Locust's own dispatcher (``environment.dispatcher_class``), which loses users when workers leave.
Locust calls both in the same way. The differences:

- Other workers take over the users of a worker that is gone at once, whatever the spawn rate.
- Users move between workers in two steps. One worker stops them and reports that. Then another worker starts
  as many. So there are never more users than wanted. The users of a silent worker cannot be seen; they no
  longer count once Locust marks the worker as missing.
- A ramp is even: with 3 users a second, one starts every third of a second. Locust starts three at the
  beginning of each second.
- A worker gets an order only when it has carried out the last one. So a ramp down is at most as fast as users
  can stop.
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

from stampede.cluster.shares import UserClass, Users, share_out

Orders = dict[str, dict[str, int]]
"""How many users of each user class a worker has to run, by the worker's id."""

POLL_INTERVAL = 0.1
"""Seconds until the dispatcher checks the workers again where no message has arrived."""

ORDER_INTERVAL = 0.3
"""Least seconds between two orders to a worker: each order takes it some time."""

ORDER_TIMEOUT = 20.0
"""Seconds for a worker to carry out an order. After that it gets the next one all the same. It must be longer
than the time that users have to stop."""


class Dispatcher:
    """The users of one run. An iteration yields orders until the workers run the users that are wanted."""

    dispatch_in_progress = True
    """Always true: otherwise Locust starts a dispatch of its own whenever a worker joins or leaves."""

    def __init__(
        self,
        worker_nodes: Iterable[WorkerNode],
        user_classes: Callable[[], Iterable[type[User]]],
        on_worker_event: Callable[[str, str], None],
        dispatch_again: Callable[[Dispatcher], None],
    ) -> None:
        """Begin with these workers.

        `user_classes` returns the classes of the run; it is called when the run's listeners have been called,
        which may change classes and weights.
        `on_worker_event` receives the name of an event and the id of its worker. `dispatch_again` must have
        another greenlet iterate the dispatcher.
        """
        self._on_worker_event = on_worker_event
        self._dispatch_again = dispatch_again
        self._nodes: dict[str, WorkerNode] = {}
        self._ordered: dict[str, Users] = {}
        """The users of each worker by its last order."""
        self._ordered_at: dict[str, float] = {}
        """The time of an order that its worker has not carried out yet."""
        self._last_order: dict[str, float] = {}
        """The time of the last order of each worker."""
        self._leaving: set[str] = set()
        self._returned: set[str] = set()
        """Workers that were missing: their users are unknown until they report."""
        self._all_class_names: set[str] = set()
        """The user classes of all dispatches. A worker stops the users of a class only if its order contains
        the class, with 0."""
        self._user_classes_of_run = user_classes
        self._user_classes: list[UserClass] = []
        self._target = self._ramp_start = 0
        self._rate, self._ramp_began = 1.0, monotonic()
        self.iterations = 0
        """The number of iterations in progress."""
        self._is_over = False
        self._changed = Event()
        self._may_start_users = Event()
        self._may_start_users.set()
        for node in worker_nodes:
            self._add(node)

    def hold(self, until: Event) -> None:
        """Give no orders before this event is set; the ramp begins then."""
        self._may_start_users = until
        until.rawlink(lambda _: setattr(self, "_ramp_began", monotonic()))

    # Called by Locust.

    def new_dispatch(
        self, target_user_count: int, spawn_rate: float, user_classes: list[type[User]] | None = None
    ) -> None:
        """Change the number of users to `target_user_count`, by `spawn_rate` users per second."""
        self._ramp_start, self._ramp_began = self.users_due(), monotonic()
        self._target, self._rate = target_user_count, spawn_rate
        if user_classes is not None or not self._user_classes:
            self._set_user_classes(user_classes or self._user_classes_of_run())
        self._changed.set()

    def add_worker(self, worker_node: WorkerNode) -> None:
        """Add a worker that has joined, or one that was missing and has sent a message again."""
        worker = worker_node.id
        if worker_node.state == STATE_MISSING:
            self._nodes[worker] = worker_node
            self._returned.add(worker)
            self._on_worker_event("worker_returned", worker)
        else:
            self._add(worker_node)
            self._on_worker_event("worker_joined", worker)
        self._wake()

    def remove_worker(self, worker_node: WorkerNode) -> None:
        """Remove a worker that has left or is missing."""
        worker = worker_node.id
        for by_worker in (self._nodes, self._ordered, self._ordered_at, self._last_order):
            by_worker.pop(worker, None)
        self._leaving.discard(worker)
        self._returned.discard(worker)
        self._on_worker_event("worker_lost" if worker_node.state == STATE_MISSING else "worker_left", worker)
        self._wake()

    # Called for messages of workers.

    def worker_is_leaving(self, worker: str) -> None:
        """Give a worker no more users. It stops its own users, which count until they have stopped."""
        if worker in self._nodes:
            self._leaving.add(worker)
            self._wake()

    def worker_gave_up(self, worker: str) -> None:
        """Give users to a worker again that has stopped all of its own without an order."""
        if node := self._nodes.get(worker):
            node.user_classes_count = {}
            self._returned.discard(worker)
            self._add(node)
            self._wake()

    def worker_carried_out(self, worker: str) -> None:
        """Note that a worker has carried out its last order."""
        self._ordered_at.pop(worker, None)
        self._changed.set()

    def worker_reported(self, worker: str) -> None:
        """Note that the users of a worker are known from its report."""
        if worker in self._returned:
            self._returned.discard(worker)
            self._add(self._nodes[worker])
            self._wake()
        self._changed.set()

    def end(self) -> None:
        """Give no more orders: the run stops."""
        self._is_over = True
        self._changed.set()

    # Orders to workers.

    def __iter__(self) -> Iterator[Orders]:
        """Yield orders for the workers that have to change something; the last ones are for all workers."""
        self.iterations += 1
        try:
            while not (self._may_start_users.is_set() and self._is_settled()):
                if self._may_start_users.is_set() and (changes := self._possible_changes()):
                    yield self._order(changes)
                else:
                    self._changed.wait(POLL_INTERVAL)
                    self._changed.clear()
                if self._is_over:  # otherwise Locust would set the state of the run to running again
                    raise gevent.GreenletExit
        finally:
            self.iterations -= 1  # a worker that joins or leaves after this needs a new iteration
        yield self._order(self._ordered)
        if self._is_over:
            raise gevent.GreenletExit

    def _possible_changes(self) -> dict[str, Users]:
        """Return the orders that can be given now.

        They stop users at once, but start only as many as there is room for.
        """
        wanted = self._wanted()
        free = [worker for worker in wanted if not self._is_busy(worker) and not self._is_resting(worker)]
        fewer = {worker: wanted[worker] & self._ordered[worker] for worker in free}
        room = self.users_due() - self._most_possible_users({**self._ordered, **fewer})
        changes = {}
        for worker in sorted(free, key=lambda each: fewer[each].total()):
            more = _at_most(wanted[worker] - fewer[worker], room)
            room -= more.total()
            # A worker that has still not carried out its last order may never have received it.
            if fewer[worker] + more != +self._ordered[worker] or worker in self._ordered_at:
                changes[worker] = fewer[worker] + more
        return changes

    def _order(self, changes: Mapping[str, Users]) -> Orders:
        self._ordered.update(changes)
        now = monotonic()
        self._ordered_at.update(dict.fromkeys(changes, now))
        self._last_order.update(dict.fromkeys(changes, now))
        return {
            worker: {name: share[name] for name in self._all_class_names} for worker, share in changes.items()
        }

    def _is_settled(self) -> bool:
        return (
            self.users_due() == self._target
            and bool(self._available_workers())
            and not self._leaving
            and not self._returned
            and not any(self._is_busy(worker) for worker in self._ordered)
            and all(+self._ordered[worker] == +share for worker, share in self._wanted().items())
        )

    def users_due(self) -> int:
        """Return how many users the ramp has reached by now."""
        steps = 1 + floor(self._rate * (monotonic() - self._ramp_began))
        if self._ramp_start < self._target:
            return min(self._ramp_start + steps, self._target)
        return max(self._ramp_start - steps, self._target)

    def users_starting(self) -> int:
        """Return how many users the workers have been ordered to start, and have not started yet."""
        missing = (
            self._ordered[worker].total() - self._nodes[worker].user_count
            for worker in self._ordered_at
            if worker in self._nodes
        )
        return sum(max(0, users) for users in missing)

    def _wanted(self) -> dict[str, Users]:
        current = {worker: self._ordered[worker] for worker in self._available_workers()}
        return share_out(current, self.users_due(), self._user_classes)

    def _available_workers(self) -> list[str]:
        return [
            worker for worker in self._nodes if worker not in self._leaving and worker not in self._returned
        ]

    def _is_busy(self, worker: str) -> bool:
        return worker in self._ordered_at and monotonic() - self._ordered_at[worker] < ORDER_TIMEOUT

    def _is_resting(self, worker: str) -> bool:
        return monotonic() - self._last_order.get(worker, -ORDER_INTERVAL) < ORDER_INTERVAL

    def _most_possible_users(self, ordered: Mapping[str, Users]) -> int:
        """Return how many users run or may start at any moment.

        A worker that was ordered to stop users may not have done so yet.
        """
        possible = {worker: Counter(node.user_classes_count) for worker, node in self._nodes.items()}
        for worker in self._available_workers():
            possible[worker] |= ordered[worker]
        return sum(users.total() for users in possible.values())

    def _add(self, node: WorkerNode) -> None:
        self._nodes[node.id] = node
        self._ordered[node.id] = Counter(node.user_classes_count)
        self._ordered_at.pop(node.id, None)

    def _set_user_classes(self, user_classes: Iterable[type[User]]) -> None:
        self._user_classes = [
            UserClass(user_class.__name__, user_class.weight, user_class.fixed_count)
            for user_class in sorted(user_classes, key=lambda each: each.__name__)
        ]
        self._all_class_names |= {user_class.name for user_class in self._user_classes}

    def _wake(self) -> None:
        self._changed.set()
        if not self.iterations and not self._is_over:
            self._dispatch_again(self)


def _at_most(users: Users, room: int) -> Users:
    """Return as many of the users as there is room for, of the largest classes first."""
    chosen: Users = Counter()
    for name, number in users.most_common():
        chosen[name] = max(0, min(number, room - chosen.total()))
    return +chosen

"""Who is told to run what when workers come, go and die: never more users than wanted, and none lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from time import monotonic

import gevent
import pytest
from gevent.event import Event
from locust import User
from locust.runners import STATE_MISSING, STATE_RUNNING, WorkerNode

from stampede.cluster.dispatcher import ORDER_INTERVAL, Dispatcher, Orders


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Let the greenlets run until the condition holds."""
    with gevent.Timeout(seconds, AssertionError(what)):
        while not condition():
            gevent.sleep(0.01)


class Shopper(User):
    weight = 3


class Guard(User):
    weight = 1


class Cluster:
    """Workers that do what they are told, at once or when `let_stop` says so."""

    def __init__(self, *workers: str) -> None:
        self.nodes = {worker: WorkerNode(worker, STATE_RUNNING) for worker in workers}
        self.noticed: list[tuple[str, str]] = []
        self.highest = 0
        self.waits_to_stop = False
        self.undone: Orders = {}
        self.dispatcher = Dispatcher(
            self.nodes.values(), lambda: [Shopper, Guard], lambda *what: self.noticed.append(what), self.go_on
        )
        self.target = 0

    def want(self, users: int, rate: float = 1e6) -> None:
        self.target = users
        self.dispatcher.new_dispatch(users, rate)
        self.run()

    def go_on(self, _dispatcher: Dispatcher) -> None:
        """As the master does: somebody iterates, and not whoever has told."""
        self.greenlet = gevent.spawn(self.run)

    def run(self) -> None:
        for orders in self.dispatcher:
            self.send(orders)

    def send(self, orders: Orders) -> None:
        for worker, users in orders.items():
            if worker in self.nodes:
                self.carry_out(worker, users)

    def carry_out(self, worker: str, users: dict[str, int]) -> None:
        node = self.nodes[worker]
        if self.waits_to_stop and sum(users.values()) < node.user_count:
            self.undone[worker] = users
            return
        node.user_classes_count = users
        self.highest = max(self.highest, self.users())
        self.dispatcher.worker_carried_out(worker)

    def let_stop(self) -> None:
        self.waits_to_stop = False
        for worker, users in self.undone.items():
            self.carry_out(worker, users)

    def join(self, worker: str) -> None:
        self.nodes[worker] = WorkerNode(worker)
        self.dispatcher.add_worker(self.nodes[worker])
        self.greenlet.join(5)

    def lose(self, worker: str) -> WorkerNode:
        node = self.nodes.pop(worker)
        node.state, node.user_classes_count = STATE_MISSING, {}
        self.dispatcher.remove_worker(node)
        self.greenlet.join(5)
        return node

    def users(self) -> int:
        return sum(node.user_count for node in self.nodes.values())

    def sizes(self) -> list[int]:
        return sorted(node.user_count for node in self.nodes.values())

    def mix(self) -> Counter[str]:
        return sum((Counter(node.user_classes_count) for node in self.nodes.values()), Counter())


@pytest.fixture
def cluster() -> Cluster:
    """Two workers with 40 users."""
    made = Cluster("a", "b")
    made.want(40)
    return made


def test_users_are_spread_in_proportion(cluster: Cluster) -> None:
    assert cluster.sizes() == [20, 20]
    assert cluster.mix() == {"Shopper": 30, "Guard": 10}


def test_many_joins_and_losses_lose_no_user_and_never_exceed(cluster: Cluster) -> None:
    for number in range(8):
        cluster.join(f"new{number}")
    assert cluster.sizes() == [4] * 10
    for worker in ("a", "b", "new1", "new3", "new5", "new7"):
        cluster.lose(worker)
    assert cluster.sizes() == [10] * 4
    assert cluster.mix() == {"Shopper": 30, "Guard": 10}
    assert cluster.highest == 40


@pytest.mark.parametrize(("what", "worker", "sizes"), [("join", "c", [13, 13, 14]), ("lose", "b", [40])])
def test_who_comes_or_goes_while_the_last_orders_are_sent_is_dealt_with(
    cluster: Cluster, what: str, worker: str, sizes: list[int]
) -> None:
    """Locust hears of workers while it sends."""
    for orders in cluster.dispatcher:  # all is as wanted: these are the last
        happening = gevent.spawn(getattr(cluster, what), worker)
        gevent.sleep(0)
        cluster.send(orders)
    happening.get(timeout=10)
    assert cluster.sizes() == sizes


def test_a_newcomer_waits_until_the_others_have_stopped_theirs(cluster: Cluster) -> None:
    cluster.waits_to_stop = True
    cluster.nodes["c"] = WorkerNode("c")
    cluster.dispatcher.add_worker(cluster.nodes["c"])
    gevent.sleep(0.25)
    assert cluster.nodes["c"].user_count == 0
    cluster.let_stop()
    cluster.greenlet.join(5)
    assert cluster.sizes() == [13, 13, 14]
    assert cluster.highest == 40
    assert cluster.noticed == [("worker_joined", "c")], "VALID excuses its dip by this"


def test_a_worker_gets_no_order_before_it_has_carried_out_the_last_one(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The users are not the wanted ones until then: the ramp is not over."""
    ordered: list[str] = []
    send = cluster.send

    def noted(orders: Orders) -> None:
        ordered.extend(orders)
        send(orders)

    monkeypatch.setattr(cluster, "send", noted)
    cluster.waits_to_stop = True
    cluster.dispatcher.new_dispatch(10, 1e6)
    iterating = gevent.spawn(cluster.run)
    gevent.sleep(3 * ORDER_INTERVAL)
    assert sorted(ordered) == ["a", "b"]
    assert not iterating.dead
    cluster.let_stop()
    iterating.join(5)
    assert cluster.sizes() == [5, 5]


def test_a_run_without_workers_waits_for_one(cluster: Cluster) -> None:
    """It is not at its number of users, so Locust must not call it running."""
    for worker in ("a", "b"):
        node = cluster.nodes.pop(worker)
        node.user_classes_count = {}
        cluster.dispatcher.remove_worker(node)
    gevent.sleep(0.15)
    assert not cluster.greenlet.dead
    cluster.join("c")
    assert cluster.sizes() == [40]


def test_users_of_one_that_leaves_are_taken_over_as_they_stop(cluster: Cluster) -> None:
    cluster.dispatcher.worker_is_leaving("b")
    gevent.sleep(0.15)
    assert cluster.sizes() == [20, 20], "they are still there"
    cluster.nodes["b"].user_classes_count = {"Shopper": 4, "Guard": 1}
    cluster.dispatcher.worker_reported("b")
    wait_until(lambda: cluster.sizes() == [5, 35], "they are taken over", seconds=5)
    gone = cluster.nodes.pop("b")
    gone.user_classes_count = {}
    cluster.dispatcher.remove_worker(gone)
    cluster.greenlet.join(5)
    assert cluster.sizes() == [40]
    assert cluster.noticed == [("worker_left", "b")]


def test_one_that_returns_counts_with_what_it_reports(cluster: Cluster) -> None:
    """It was cut off, not dead: its users go on, and the others have taken them over."""
    missing = cluster.lose("b")
    assert cluster.sizes() == [40]
    cluster.nodes["b"] = missing
    cluster.dispatcher.add_worker(missing)
    missing.user_classes_count = {"Shopper": 15, "Guard": 5}
    cluster.dispatcher.worker_reported("b")
    cluster.greenlet.join(5)
    assert cluster.sizes() == [20, 20]
    assert cluster.noticed == [("worker_lost", "b"), ("worker_returned", "b")]


def test_one_that_is_lost_again_before_it_reports_is_not_waited_for(cluster: Cluster) -> None:
    """Otherwise the run would never be as wanted."""
    missing = cluster.lose("b")
    cluster.dispatcher.add_worker(missing)
    cluster.dispatcher.remove_worker(missing)
    cluster.greenlet.join(5)
    assert cluster.greenlet.dead
    assert cluster.sizes() == [40]


def test_one_that_has_stopped_its_users_by_itself_gets_them_again(cluster: Cluster) -> None:
    """The master was away for a while, and knows nothing of it."""
    cluster.nodes["b"].user_classes_count = {}
    cluster.dispatcher.worker_gave_up("b")
    cluster.greenlet.join(5)
    assert cluster.sizes() == [20, 20]
    assert cluster.highest == 40


def test_users_come_at_their_rate_and_a_loss_is_made_good_at_once(cluster: Cluster) -> None:
    cluster.dispatcher.new_dispatch(60, 0.2)  # the next one after 5 s
    iterating = gevent.spawn(cluster.run)
    wait_until(lambda: cluster.users() == 41, "the first of the ramp", seconds=2)
    cluster.nodes.pop("b")
    cluster.dispatcher.remove_worker(WorkerNode("b", STATE_MISSING))
    wait_until(lambda: cluster.users() == 41, "the loss is made good", seconds=2)
    cluster.dispatcher.end()
    iterating.join(5)


def test_nobody_is_told_anything_when_the_run_has_ended(cluster: Cluster) -> None:
    """And what Locust does after the last order is not done: it would call the run a running one."""
    cluster.dispatcher.new_dispatch(60, 0.2)  # the next one after 5 s
    iterating = gevent.spawn(cluster.run)
    wait_until(lambda: cluster.users() == 41, "the first of the ramp", seconds=2)
    cluster.dispatcher.end()
    iterating.join(5)
    assert isinstance(iterating.value, gevent.GreenletExit)
    assert cluster.users() == 41


def test_a_worker_that_joins_after_the_end_gets_no_order(cluster: Cluster) -> None:
    """All is as wanted: a new iteration would give an order before it noticed the end."""
    cluster.dispatcher.end()
    cluster.nodes["c"] = WorkerNode("c")
    cluster.dispatcher.add_worker(cluster.nodes["c"])
    assert not hasattr(cluster, "greenlet"), "no iteration was begun"


def test_a_ramp_goes_down_too(cluster: Cluster) -> None:
    cluster.want(3)
    assert cluster.sizes() == [1, 2]
    cluster.want(0)
    assert cluster.sizes() == [0, 0]


def test_nobody_is_started_before_the_run_may_begin() -> None:
    """What the API has counted must be known first; the run itself is on, and a stop is heard."""
    cluster, may_begin = Cluster("a"), Event()
    cluster.dispatcher.hold(may_begin)
    cluster.dispatcher.new_dispatch(5, 1e6)
    iterating = gevent.spawn(cluster.run)
    gevent.sleep(0.15)
    assert cluster.users() == 0
    may_begin.set()
    iterating.join(5)
    assert cluster.users() == 5


def test_the_ramp_begins_when_the_run_may_begin() -> None:
    """The users of the time before it would all start at once."""
    cluster, may_begin = Cluster("a"), Event()
    cluster.dispatcher.hold(may_begin)
    cluster.dispatcher.new_dispatch(60, 50)
    wait_until(lambda: cluster.dispatcher.users_due() > 30, "0.6 s have passed", seconds=5)
    may_begin.set()
    gevent.sleep(0)  # the event calls its listeners
    assert cluster.dispatcher.users_due() < 20


def test_an_order_that_got_lost_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection was cut just then: it never says that it has carried it out."""
    monkeypatch.setattr("stampede.cluster.dispatcher.ORDER_TIMEOUT", 0.2)
    cluster, lost = Cluster("a", "b"), ["b"]
    carry_out = cluster.carry_out
    monkeypatch.setattr(
        cluster,
        "carry_out",
        lambda worker, users: lost.remove(worker) if worker in lost else carry_out(worker, users),
    )
    cluster.want(10)
    assert not lost
    assert cluster.sizes() == [5, 5]


def test_a_worker_gets_a_few_orders_a_second(cluster: Cluster) -> None:
    """Each order takes it some time, however fast the ramp is."""
    ordered_at: list[float] = []
    cluster.dispatcher.new_dispatch(60, 40)
    for orders in cluster.dispatcher:
        ordered_at += [monotonic()] * ("a" in orders)
        cluster.send(orders)
    assert cluster.users() == 60
    *ramp, _last = ordered_at  # the last order is given to all workers, when the ramp is over
    assert all(later - earlier >= ORDER_INTERVAL for earlier, later in pairwise(ramp))


def test_classes_and_weights_are_those_after_the_listeners_of_the_start() -> None:
    """A locustfile may set them when the test starts, after the dispatcher was made."""
    classes: list[type[User]] = [Shopper, Guard]
    cluster = Cluster("a")
    cluster.dispatcher = Dispatcher(
        [*cluster.nodes.values()], lambda: classes, lambda *_: None, cluster.go_on
    )
    classes[:] = [Guard]
    cluster.want(4)
    assert cluster.nodes["a"].user_classes_count == {"Guard": 4}
    classes[:] = [Shopper]
    cluster.want(5)
    assert cluster.nodes["a"].user_classes_count == {"Guard": 5}, "those of the run's start"


def test_classes_that_were_chosen_for_a_dispatch_replace_those_of_the_run(cluster: Cluster) -> None:
    """The users of all others stop."""
    cluster.dispatcher.new_dispatch(4, 1e6, [Guard])
    cluster.run()
    assert cluster.mix() == {"Guard": 4}
    assert all(node.user_classes_count["Shopper"] == 0 for node in cluster.nodes.values())

"""What a master does about what its workers say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gevent
import pytest
from gevent.event import Event
from locust.rpc import Message
from locust.runners import STATE_MISSING
from locust.stats import RequestStats
from msgspec import to_builtins

from stampede.cluster import identity
from stampede.cluster.delivery import KEY
from stampede.cluster.master import ClusterMaster
from stampede.cluster.worker import ACKNOWLEDGED, GAVE_UP, LEAVING, UNKNOWN
from stampede.counting.latency import AFTER_STOP
from stampede.counting.latency import KEY as COUNTED
from stampede.race.racers import RacingUser
from stampede.race.rounds import REPLY, Races
from tests.integration.masters import Master, dropped


class Cluster(Master):
    """A master with its cluster, and workers that do at once what they are told."""

    def __init__(self, *workers: str) -> None:
        super().__init__()
        self.joining = to_builtins(identity.own(None))
        self.noticed: list[tuple[str, str]] = []
        self.causes: list[str] = []
        """Why the locustfile ended the run."""
        self.meanwhile: Callable[[], None] | None = None
        """What happens while the next order is sent."""
        self.cluster_master = ClusterMaster(
            self.environment,
            self.runner,
            lambda *what: self.noticed.append(what[:2]),
            self.causes.append,
            lambda: self.environment.user_classes,
            dropped,
        )
        may_start_users = Event()
        may_start_users.set()
        on = self.environment.events
        on.test_start.add_listener(lambda **_: self.cluster_master.begin("run", may_start_users))
        on.test_stopping.add_listener(lambda **_: self.cluster_master.end())
        for worker in workers:
            self.hears_ready(worker)

    def tell(self, message: Message) -> None:
        super().tell(message)
        if message.type == "spawn":
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile:
                meanwhile()
            users = {"user_classes_count": message.data["user_classes_count"]}
            self.hears(message.node_id, "spawning_complete", users)

    def run(self, users: int) -> None:
        """Have so many users, and wait until they are there."""
        with gevent.Timeout(10):
            self.runner.start(users, 100)

    def hears_heartbeat(self, worker: str, state: str = "running") -> None:
        self.hears(worker, "heartbeat", {"state": state, "current_cpu_usage": 1})

    def wait_for(self, **users: int) -> None:
        """Until the workers have so many."""
        with gevent.Timeout(5, AssertionError(f"not {users}")):
            while {each.id: each.user_count for each in self.runner.clients.all} != users:
                gevent.sleep(0.01)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two workers with 10 users."""
    with closing(Cluster("a", "b")) as made:
        made.run(10)
        yield made
        made.cluster_master.end()


def report(requests: int, users: int = 0) -> dict[str, Any]:
    """A worker's first, in the run."""
    stats = RequestStats()
    for _ in range(requests):
        stats.log_request("GET", "/", 1, 1)
    return {
        **{"stats": stats.serialize_stats(), "stats_total": stats.total.get_stripped_report(), "errors": {}},
        **{"user_count": users, "user_classes_count": {"Shopper": users}},
        KEY: {"run": "run", "number": 1},
        COUNTED: [(0, "GET", "/", requests, 0, b"", b"", b"", b"", 0)],
        AFTER_STOP: [],
    }


def test_a_worker_that_is_not_known_is_told_so_and_is_known_when_it_joins_again(cluster: Cluster) -> None:
    """The master was restarted."""
    cluster.hears_heartbeat("c")
    assert cluster.told.count(("c", UNKNOWN)) == 1
    cluster.hears_ready("c")
    cluster.hears_heartbeat("c")
    assert cluster.told.count(("c", UNKNOWN)) == 1


def test_a_racer_of_a_master_that_was_restarted_joins_again(cluster: Cluster) -> None:
    """Its worker's answer to a call of the former master may come before anything else."""
    Races(cluster.environment, cluster.runner, RacingUser)
    cluster.hears("c", REPLY, {"user_class": "Racer", "asked": 1.0, "received": 1.0, "replied": 1.0})
    cluster.hears_heartbeat("c")
    assert ("c", UNKNOWN) in cluster.told


def test_who_is_missing_when_a_run_is_over_has_to_join_again(cluster: Cluster) -> None:
    """Locust would wait for it to be ready."""
    cluster.runner.clients["b"].state = STATE_MISSING
    cluster.cluster_master.forget_missing_workers()
    assert list(cluster.runner.clients) == ["a"]
    cluster.hears_heartbeat("b")
    assert ("b", UNKNOWN) in cluster.told


def test_a_report_that_comes_twice_is_acknowledged_twice_and_counted_once(cluster: Cluster) -> None:
    """The acknowledgement may be what got lost."""
    for _ in range(2):
        cluster.hears("a", "stats", report(7))
    assert cluster.runner.stats.total.num_requests == 7
    assert cluster.told.count(("a", ACKNOWLEDGED)) == 2


@pytest.mark.parametrize("said", ["spawning", "spawning_complete"])
def test_what_a_missing_worker_has_done_does_not_bring_it_back(cluster: Cluster, said: str) -> None:
    """What it runs nobody knows; its next heartbeat says that it is there."""
    cluster.runner.clients["b"].state = STATE_MISSING
    cluster.hears("b", said, {"user_classes_count": {"Shopper": 5}})
    assert cluster.runner.clients["b"].state == STATE_MISSING
    cluster.hears_heartbeat("b")
    assert cluster.runner.clients["b"].state == "running"
    assert cluster.noticed == [("worker_returned", "b")]


def test_who_has_users_when_there_is_no_run_is_told_to_stop(cluster: Cluster) -> None:
    """It was cut off when the others were told."""
    cluster.hears_heartbeat("a")
    assert ("a", "stop") not in cluster.told, "there is one"
    cluster.runner.update_state("stopped")
    cluster.hears_heartbeat("a", state="ready")
    assert ("a", "stop") not in cluster.told, "it has none"
    cluster.hears_heartbeat("a")
    assert ("a", "stop") in cluster.told


@pytest.mark.parametrize(("patience", "is_told"), [(60, False), (-1, True)])
def test_who_still_has_users_long_after_the_end_is_told_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, patience: float, is_told: bool
) -> None:
    """Before that they are finishing what they are at."""
    monkeypatch.setattr("stampede.cluster.master.RESPONSE_TIMEOUT", patience)
    cluster.cluster_master.end()
    cluster.runner.update_state("stopping")
    cluster.hears_heartbeat("a")
    assert (("a", "stop") in cluster.told) is is_told


def test_users_of_a_worker_that_leaves_go_to_others_when_they_have_stopped(cluster: Cluster) -> None:
    """As its report says."""
    cluster.hears("b", LEAVING)
    gevent.sleep(0.15)
    cluster.wait_for(a=5, b=5)
    cluster.hears("b", "stats", report(3, users=1))
    cluster.wait_for(a=9, b=1)
    cluster.hears("b", "client_stopped")
    cluster.wait_for(a=10)
    assert cluster.noticed == [("worker_left", "b")]


def test_a_worker_that_gave_up_gets_users_again(cluster: Cluster) -> None:
    """The master was away for so long that it stopped them by itself."""
    orders = cluster.told.count(("b", "spawn"))
    cluster.hears("b", GAVE_UP)
    assert cluster.runner.clients["b"].user_count == 0
    cluster.wait_for(a=5, b=5)
    assert cluster.told.count(("b", "spawn")) > orders


def test_a_worker_that_joins_while_the_last_orders_are_sent_gets_its_share(cluster: Cluster) -> None:
    """Nothing else happens that would remind the master of it."""
    cluster.run(12)
    cluster.meanwhile = lambda: cluster.hears_ready("c")
    cluster.run(12)  # they are there: these orders are the last
    cluster.wait_for(a=4, b=4, c=4)

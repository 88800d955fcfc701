"""A real master; what workers say is handed to it as if it had come over the network, what it tells them is
kept."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from locust import User, __version__
from locust.env import Environment
from locust.rpc import Message
from msgspec import to_builtins

from stampede.cluster import identity
from stampede.cluster.master import ClusterMaster
from stampede.counting.counts import Counts
from stampede.run.driver import Driver
from stampede.run.results_folder import ResultsFolder


class Shopper(User):
    """Somebody."""


class Master:
    """A master, and all that was ``told``: to whom, and what type of message."""

    def __init__(self) -> None:
        self.environment = Environment(user_classes=[Shopper])
        self.environment.available_user_classes = {"Shopper": Shopper}
        self.environment.parsed_options = Namespace(headless=False, enable_rebalancing=False)
        self.runner = self.environment.create_master_runner("127.0.0.1", 0)
        self.runner.server.send_to_client = self.tell
        self.told: list[tuple[str, str]] = []
        self.joining: Any = __version__
        """What a worker sends to join: with the engine, its identity."""

    def tell(self, message: Message) -> None:
        self.told.append((message.node_id, message.type))

    def hears(self, worker: str, what: str, data: Any = None) -> None:
        """What a worker says."""
        self.runner.handle_message(worker, Message(what, data, worker))

    def hears_ready(self, worker: str) -> None:
        self.hears(worker, "client_ready", self.joining)

    def close(self) -> None:
        """Nobody is heard any more."""
        self.runner.greenlet.kill()
        self.runner.server.socket.context.destroy(linger=0)


def dropped(worker: str, reason: str) -> None:
    """Fail the test: its messages can be handled."""
    raise AssertionError(f"a message of {worker} was dropped: {reason}")


def with_driver(master: Master, results: Path) -> Driver:
    """Return a driver of its runs that is told of Locust's events as in stampede/hooks.py."""
    master.joining = to_builtins(identity.own(None))
    driver = Driver(master.environment, Counts(), ResultsFolder(results, "test"), None)
    notice, stop = driver.observers.worker_changed, driver.stop_by_locustfile
    cluster = ClusterMaster(master.environment, master.runner, notice, stop, driver.user_classes, dropped)
    on = master.environment.events
    on.test_start.add_listener(lambda **_: cluster.begin(*driver.started()))
    on.spawning_complete.add_listener(lambda user_count, **_: driver.ramp_finished(user_count))
    on.test_stopping.add_listener(lambda **_: cluster.end())
    on.test_stopping.add_listener(lambda **_: driver.stopping())
    on.test_stop.add_listener(lambda **_: driver.stopped())
    return driver

"""Workers without users, which send recorded reports: `python -m bench.crowd PORT WORKERS RECORDING KEY`.

Each of them joins the master, starts the users that it is told to start, and sends a recorded report each
second, whose times are now and whose mark is of the present run. So the master does all that it does for real
workers. The messages are encrypted, as those of real workers.
"""

from __future__ import annotations

import locust.main  # isort: skip  # it makes gevent patch the standard library

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import gevent
from locust.rpc import Message, zmqrpc
from msgspec import to_builtins

from bench.recorded import Recording, reports_in
from stampede.cluster import clocks, curve, identity
from stampede.cluster.delivery import KEY as MARK
from stampede.counting.latency import requests_in

__all__ = ("locust",)


class Worker:
    """A worker of the crowd."""

    def __init__(self, number: int, port: int, recording: Recording) -> None:
        self._id = f"crowd_{number:03}{'0' * 28}"
        self._client = zmqrpc.Client("127.0.0.1", port, self._id)
        self._recording, self._places = recording, itertools.count(number)
        self._state = "ready"
        self._users: dict[str, int] = {}
        self._run: str | None = None
        self._number = self._requests = 0
        self._join()

    def _send(self, kind: str, data: Any = None) -> None:
        self._client.send(Message(kind, data, self._id))

    def _join(self) -> None:
        self._send("client_ready", to_builtins(identity.own([str(LOCUSTFILE)])))

    def listen(self) -> None:
        """Carry out the master's orders."""
        while True:
            message = self._client.recv()
            match message.type:
                case "spawn":
                    self._spawn(message.data)
                case "stop":
                    self._state, self._users = "ready", {}
                    self._send("client_stopped")
                    self._join()
                case clocks.ASK:
                    now = time.time()
                    self._send(clocks.ANSWER, {**message.data, "received": now, "replied": now})
                case "quit":
                    sys.exit(0)

    def _spawn(self, order: dict[str, Any]) -> None:
        run = order["parsed_options"]["stampede_run_id"]
        if run != self._run:
            self._run, self._requests = run, 0
        self._users = order["user_classes_count"]
        self._state = "running"
        self._send("spawning")
        self._send(
            "spawning_complete",
            {"user_classes_count": self._users, "user_count": sum(self._users.values())},
        )

    def report(self) -> None:
        """Send a heartbeat, and a report while there are users."""
        self._send("heartbeat", {"state": self._state, "current_cpu_usage": 5.0, "current_memory_usage": 1e8})
        if not self._users:
            return
        report = self._recording.now(next(self._places))
        self._number += 1
        self._requests += requests_in(report)
        mark = {"run": self._run, "number": self._number, "requests": self._requests}
        users = {"user_count": sum(self._users.values()), "user_classes_count": self._users}
        self._send("stats", {**report, **users, MARK: mark})


LOCUSTFILE = Path(__file__).with_name("recording.py")


def main() -> None:
    """Run the crowd until the master ends it."""
    port, workers, recording, key = sys.argv[1:]
    curve.protect(Path(key))
    reports = Recording(reports_in(Path(recording)))
    crowd = [Worker(number, int(port), reports) for number in range(int(workers))]
    for worker in crowd:
        gevent.spawn(worker.listen)
    begun = time.monotonic()
    for turn in itertools.count():
        worker = crowd[turn % len(crowd)]
        due = begun + turn / len(
            crowd
        )  # the reports of a second are spread over it, as those of real workers
        gevent.sleep(max(0.0, due - time.monotonic()))
        worker.report()


if __name__ == "__main__":
    main()

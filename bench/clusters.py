"""A master and its workers as processes: Stampede, or stock Locust. Both are driven by their HTTP API."""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench import HERE, BenchError
from bench.cpu import cpu_seconds, cpu_seconds_of
from bench.processes import Processes, free_port, wait_until
from bench.server import Server
from stampede.rig.master import Master

PROFILES = HERE / "profiles.toml"


class Window(NamedTuple):
    """What a cluster did in a while: CPU times in seconds."""

    seconds: float
    requests: int
    workers_cpu: float
    master_cpu: float

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return self.requests / self.seconds

    @property
    def us_per_request(self) -> float:
        """Return the workers' CPU time of a request, in microseconds."""
        return self.workers_cpu / self.requests * 1e6


class Cluster(ABC):
    """A cluster whose users send to `server`."""

    def __init__(self, processes: Processes, name: str, server: Server, workers: int = 1) -> None:
        self.name = name
        self._processes, self._server = processes, server
        self._ui_port, self.master_port = free_port(), free_port()
        self.api = Master(f"http://127.0.0.1:{self._ui_port}")
        self.master = processes.start(
            f"{name}-master",
            [
                *self._master_command(),
                *("--master-bind-host", "127.0.0.1", "--master-bind-port", str(self.master_port)),
                *("--web-host", "127.0.0.1", "--web-port", str(self._ui_port), "--host", server.url),
            ],
            self._variables(),
        )
        joining = ["--master-host", "127.0.0.1", "--master-port", str(self.master_port)]
        self.workers = [
            processes.start(f"{name}-worker-{number}", [*self._worker_command(), *joining], self._variables())
            for number in range(workers)
        ]
        wait_until(lambda: self.api.worker_count() == workers, f"the workers of {name}")

    @abstractmethod
    def _master_command(self) -> Sequence[str]: ...

    @abstractmethod
    def _worker_command(self) -> Sequence[str]: ...

    @abstractmethod
    def _variables(self) -> dict[str, str]: ...

    @abstractmethod
    def start(self, load: Any) -> None:
        """Start a run, and wait until all users are running."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the run, and wait until it has ended."""

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.pid for worker in self.workers]

    def measure(self, seconds: float) -> Window:
        """Return what the cluster does in the next seconds. Raises BenchError if it sends nothing."""
        before = self.now()
        time.sleep(seconds)
        after = self.now()
        seconds, requests, workers_cpu, master_cpu = (
            end - begin for begin, end in zip(before, after, strict=True)
        )
        window = Window(seconds, int(requests), workers_cpu, master_cpu)
        if not window.requests:
            raise BenchError(f"{self.name} sent no request: see {self._processes.folder}")
        return window

    def now(self) -> Window:
        """Return the totals so far: the time, the requests, and the CPU times."""
        return Window(
            time.monotonic(), self._server.count(), cpu_seconds_of(self.pids), cpu_seconds(self.master.pid)
        )

    def run(self, load: Any, seconds: float, settling: float = 1.0) -> Window:
        """Start a run, let it settle, measure it for some seconds, and stop it."""
        self.start(load)
        time.sleep(settling)
        window = self.measure(seconds)
        self.stop()
        return window

    def end(self) -> None:
        """End all processes."""
        self._processes.end(*self.workers, self.master)


class Stampede(Cluster):
    """The engine, with the shop's users or another locustfile. A load is a profile and its changes."""

    def __init__(
        self,
        processes: Processes,
        name: str,
        server: Server,
        workers: int = 1,
        locustfile: str = "load_tests/locustfile.py",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._locustfile = locustfile
        self._own_variables = variables or {}
        self._results = processes.folder / f"{name}-results"
        self._results.mkdir()
        super().__init__(processes, name, server, workers)

    def _master_command(self) -> Sequence[str]:
        results = ["--stampede-results", str(self._results), "--stampede-profiles", str(PROFILES)]
        return [*self._command("master"), *results]

    def _worker_command(self) -> Sequence[str]:
        return self._command("worker")

    def _command(self, role: str) -> list[str]:
        config = ["--config", f"{role}/locust.conf", "--locustfile", self._locustfile]
        return [sys.executable, "-m", "stampede", "locust", *config]

    def _variables(self) -> dict[str, str]:
        # Messages are encrypted, as in every cluster that the rig starts.
        return {"STAMPEDE_CLUSTER_KEY": str(self.key), **self._own_variables}

    @property
    def key(self) -> Path:
        """Return the folder of the key with which the messages are encrypted."""
        return self._processes.folder / f"{self.name}-key"

    def start(self, load: dict[str, Any]) -> None:
        """Start a run of a profile: `{"profile": …}`, and the fields that differ from it."""
        self.api.start(load)
        wait_until(lambda: self.api.run()["phase"] == "window", f"all users of {self.name}", seconds=120)

    def stop(self) -> None:
        """Stop the run in progress, and wait until its results are written."""
        self.api.stop()
        self.wait_for_end()

    def wait_for_end(self, seconds: float = 60.0) -> None:
        """Wait until the results of the run are written."""
        wait_until(lambda: not self.api.run()["in_progress"], f"the end of {self.name}'s run", seconds)

    def result(self, file: str) -> Any:
        """Return a file of the newest run."""
        return json.loads((self._results / "latest" / file).read_text())


class Stock(Cluster):
    """Locust as it is. A load is a number of users and how many of them start in a second."""

    def __init__(
        self, processes: Processes, name: str, server: Server, user_class: str, rate_of_user: float = 0.0
    ) -> None:
        """With `rate_of_user`, each user sends so many requests in a second; else it never waits."""
        self._class = user_class
        self._rate = rate_of_user
        super().__init__(processes, name, server)

    def _master_command(self) -> Sequence[str]:
        return [*self._command(), "--master", "--enable-rebalancing", "--stop-timeout", "1"]

    def _worker_command(self) -> Sequence[str]:
        return [*self._command(), "--worker"]

    def _command(self) -> list[str]:
        locustfile = ["--locustfile", str(HERE / "peers" / "locustfile.py")]
        return [sys.executable, "-m", "locust", *locustfile]

    def _variables(self) -> dict[str, str]:
        return {"BENCH_USER": self._class, "BENCH_RATE_OF_USER": str(self._rate)}

    def start(self, load: tuple[int, int]) -> None:
        """Start a run of so many users, and wait for them."""
        users, spawn_rate = load
        form = {"user_count": users, "spawn_rate": spawn_rate, "host": self._server.url}
        request = urllib.request.Request(f"{self.api.url}/swarm", data=urllib.parse.urlencode(form).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            if not json.load(answer)["success"]:
                raise BenchError(f"{self.name} did not start its run")
        wait_until(
            lambda: (stats := self.api.stats())["state"] == "running" and stats["user_count"] == users,
            f"all users of {self.name}",
            seconds=120,
        )

    def stop(self) -> None:
        """Stop the run, and wait until the workers are ready for another."""
        self.api.stop()
        # A worker that has stopped leaves, and joins again after the stop-timeout.
        for workers in (0, len(self.workers)):
            wait_until(
                lambda wanted=workers: self.api.worker_count() == wanted,  # type: ignore[misc]
                f"the end of {self.name}'s run",
            )

"""A master and its workers as processes: stock Locust, or ours. What a row does is the same to both."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stampede.rig.master import Master, MasterGoneError
from tests.checkout import ROOT
from tests.lossless.commands import free_port, locust
from tests.lossless.crowd import Crowd
from tests.lossless.links import Links
from tests.lossless.table import OURS, STOCK
from tests.lossless.target import Request, Target

USERS = 30
SPAWN_RATE = 10
"""Users per second. Quicker would hide that stock Locust begins at 0 again when it forgets a dead worker."""

START_TIMEOUT = 60.0
END_TIMEOUT = 30.0
"""Seconds for a process to end by itself, as in docker-compose.yml."""

STOCK_REPORTS = 4.0
"""Seconds in which stock Locust's workers have reported once more: they do so every 3."""

LOOK = 0.1
"""Seconds between two looks at whether something has happened."""

TOTAL = "Aggregated"
"""The last row of stock Locust's statistics."""

_starting = threading.Semaphore(2)
"""Clusters brought up at a time: with more, workers that have joined get no time for a heartbeat."""

interrupted = threading.Event()
"""Set when all rows are to end at once."""


class InterruptedRowError(Exception):
    """Whoever wanted to know does not any more."""


class RowError(Exception):
    """What a row needs did not come about; the message says what."""


@dataclass
class Worker:
    """A worker's process, and how to start it again."""

    process: subprocess.Popen[bytes]
    command: list[str]
    log: Path

    @property
    def name(self) -> str:
        """The beginning of its users' names."""
        return str(self.process.pid)


@dataclass
class Cluster:
    """One of a row on a side. Whoever makes it uses it as `running` gives it."""

    side: str
    row: str
    target: Target
    folder: Path
    address: str = "127.0.0.1"
    """Of this machine, for the workers: where the master binds."""
    shop: str = "127.0.0.1"
    """Of this machine, for the users: where the target is."""
    links: Links | None = None
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ui_port, self._master_port = free_port(), free_port()
        self._master_process: subprocess.Popen[bytes] | None = None
        self._processes: list[subprocess.Popen[bytes]] = []
        self.master = Master(f"http://127.0.0.1:{self._ui_port}")

    # What a row does.

    def start(self, workers: int) -> None:
        """Bring it up, and let the users come. Where there are links, the first worker is behind them."""
        self.bring_up(workers)
        self.let_users_come()

    def bring_up(self, workers: int) -> None:
        """Start the processes, and wait until all workers have joined."""
        with _starting:
            self.start_master()
            for number in range(workers):
                self.add_worker(behind_links=self.links is not None and number == 0)
            self.wait_for_workers(workers)

    def start_master(self, *options: str) -> None:
        """Start the master, the first time or again."""
        bind = ["--master-bind-host", self.address, "--master-bind-port", str(self._master_port)]
        ui = ["--web-host", "127.0.0.1", "--web-port", str(self._ui_port)]
        command = [*locust(self.side, "master", self.folder), *bind, *ui, "--host", self._host, *options]
        self._master_process = self._popen(command, self.folder / "master.log")

    def add_worker(self, *, behind_links: bool = False) -> Worker:
        """Start one more; it has joined some time later."""
        master = ["--master-host", self.address, "--master-port", str(self._master_port)]
        command = [*locust(self.side, "worker", self.folder), *master]
        if behind_links:
            assert self.links is not None
            command = self.links.inside(command)
        log = self.folder / f"worker-{len(list(self.folder.glob('worker-*.log'))) + 1}.log"
        worker = Worker(self._popen(command, log), command, log)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, count: int) -> None:
        """Wait until so many have joined."""
        self.wait_until(
            lambda: self.master.worker_count() == count, f"{count} workers to join", START_TIMEOUT
        )

    def let_users_come(self) -> None:
        """Start a run as the UI's form does, and wait until all users are at it."""
        form = {"user_count": USERS, "spawn_rate": SPAWN_RATE, "host": self._host}
        request = urllib.request.Request(
            f"{self.master.url}/swarm", data=urllib.parse.urlencode(form).encode()
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            if not json.load(answer)["success"]:
                raise RowError("the run did not start")
        self.wait_until(self._all_at_it, f"{USERS} users", START_TIMEOUT)
        self.wait(STOCK_REPORTS)  # what they did in the ramp has been reported

    def _all_at_it(self) -> bool:
        stats = self.master.stats()
        return stats["state"] == "running" and self.crowd().at(time.monotonic() - 2) == USERS

    def run_headless(self, seconds: int) -> None:
        """A run of its own, from the master's start to its end, as each side does it without a browser."""
        if self.side == STOCK:
            load = ["--headless", "--users", str(USERS), "--spawn-rate", str(SPAWN_RATE)]
            with _starting:
                self.start_master(*load, "--run-time", f"{seconds}s", "--expect-workers", "2")
                self.add_worker()
                self.add_worker()
                self.wait_until(lambda: bool(self.requests()), "the first request", START_TIMEOUT)
            self.workers.clear()  # they end with the master
            self._wait_for_end([self._must_have_master()], START_TIMEOUT + seconds + END_TIMEOUT)
            return
        self.bring_up(2)
        self.master.start({"profile": "lossless", "run_time": f"{seconds}s"})
        self.wait_until(lambda: not self.master.run()["in_progress"], "the end of the run", END_TIMEOUT * 2)

    def stop(self) -> None:
        """Stop the run as the UI's button does, and wait until nothing more can come in."""
        self.master.stop()
        if self.side == OURS:
            self.wait_until(lambda: not self.master.run()["in_progress"], "the end of the run", END_TIMEOUT)
            return
        stopped = ("stopped", "ready")
        self.wait_until(
            lambda: self.master.stats()["state"] in stopped and not self.master.stats()["user_count"],
            "the stop",
            90,
        )
        self.wait(STOCK_REPORTS)

    def terminate(self, worker: Worker) -> None:
        """Tell a worker to end, as `docker compose scale` does."""
        self.workers.remove(worker)
        worker.process.terminate()

    def kill(self, worker: Worker) -> None:
        """End a worker as the kernel does that has no memory left."""
        self.workers.remove(worker)
        worker.process.kill()
        worker.process.wait()

    def restart_master(self, workers: int, patience: float) -> float | None:
        """End the master likewise, and start it again at once; seconds until so many workers are back."""
        with _starting:  # as ever: who starts beside half a dozen others is not itself slow
            master = self._must_have_master()
            master.kill()
            master.wait()
            begun = time.monotonic()
            self.start_master()
            came = self._wait_until(self._master_answers, START_TIMEOUT)
        if not came:
            raise RowError("the master did not start again")
        is_back = self._wait_until(lambda: self.master.worker_count() == workers, patience)
        return time.monotonic() - begun if is_back else None

    def _master_answers(self) -> bool:
        """Whether it is there again."""
        return self.master.worker_count() is not None

    def interrupt(self) -> None:
        """Ctrl-C at the master; wait until all have ended."""
        ending = [self._must_have_master(), *(worker.process for worker in self.workers)]
        self.workers.clear()
        ending[0].send_signal(signal.SIGINT)
        self._wait_for_end(ending, END_TIMEOUT)

    def compose_stop(self) -> None:
        """`docker compose stop`: first those who depend on others, each with time to end."""
        workers = [worker.process for worker in self.workers]
        self.workers.clear()
        for group in (workers, [self._must_have_master()]):
            for process in group:
                process.terminate()
            self._wait_for_end(group, END_TIMEOUT)

    # What a row sees.

    def crowd(self) -> Crowd:
        """The users, as the target has seen them so far."""
        return Crowd(self.requests())

    def requests(self) -> list[Request]:
        """What the target was asked so far."""
        return self.target.requests(self._name)

    def counted(self) -> int | None:
        """The requests of the run in the figures that are left of it; None where there are none."""
        if self.side == OURS:
            run = self.left_behind("run.json")
            return int(run["requests"]) if run else None
        if self._must_have_master().poll() is None:
            rows = self.master.stats()["stats"]
            return sum(int(row["num_requests"]) for row in rows if row["name"] != TOTAL)
        figures = self.folder / "figures.json"  # what it writes when it ends
        if not figures.exists():
            return None
        return sum(int(route["num_requests"]) for route in json.loads(figures.read_text()))

    def left_behind(self, file: str) -> dict[str, Any] | None:
        """A file of the first run's folder, finished or not; None where there is none."""
        results = self.folder / "results"
        found = [*results.glob(f"[0-9]*/{file}"), *results.glob(f".unfinished/*/[0-9]*/{file}")]
        if not found:
            return None
        first = min(found, key=lambda path: path.parent.name)
        content: dict[str, Any] = json.loads(first.read_text())
        return content

    # Waiting. Whatever ends by itself meanwhile is started again.

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._wait_until(lambda: False, seconds)

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Raises RowError when time is over."""
        if self.seconds_until(condition, seconds) is None:
            raise RowError(f"waiting for {what} timed out after {seconds:.0f} s")

    def seconds_until(self, condition: Callable[[], bool], seconds: float) -> float | None:
        """Seconds until a condition holds; None when time is over."""
        begun = time.monotonic()
        return time.monotonic() - begun if self._wait_until(condition, seconds) else None

    def _wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return True
            except MasterGoneError:
                pass  # it is about to be there, or the deadline ends it
            if time.monotonic() > deadline:
                return False
            if interrupted.wait(LOOK):
                raise InterruptedRowError
            self._start_again()

    def _start_again(self) -> None:
        """Workers that have ended by themselves, as `restart: always` does: stock Locust needs it, not we."""
        for worker in self.workers:
            if worker.process.poll() is not None:
                if self.side == OURS:
                    raise RowError(f"a worker ended unexpectedly: see {worker.log}")
                worker.process = self._popen(worker.command, worker.log)

    def _wait_for_end(self, processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
        """Until they have ended; who has not when time is over is killed, as a container is."""
        ended = self._wait_until(lambda: all(process.poll() is not None for process in processes), seconds)
        if not ended:
            for process in processes:
                process.kill()
                process.wait()

    # Processes.

    @property
    def _name(self) -> str:
        return f"{self.row}-{self.side.split()[0].lower()}"

    @property
    def _host(self) -> str:
        return f"http://{self.shop}:{self.target.port}/{self._name}"

    def _popen(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        with log.open("a") as output:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=clean,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for us, who end them by ourselves
            )
        self._processes.append(process)
        return process

    def _must_have_master(self) -> subprocess.Popen[bytes]:
        assert self._master_process is not None
        return self._master_process

    def end(self) -> None:
        """End whatever is left of it."""
        for process in self._processes:
            process.kill()
            process.wait()


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster of which nothing is left at the end but its logs and results."""
    cluster.folder.mkdir(parents=True)
    (cluster.folder / "results").mkdir()
    try:
        yield cluster
    finally:
        cluster.end()

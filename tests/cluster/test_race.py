"""A race on stock Locust: masters, workers, and Locust alone, against a server that has five tickets."""

import itertools
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.request import urlopen

import pytest

from tests.checkout import plain_environment
from tests.cluster.test_standalone import free_port

ROOT = Path(__file__).parents[2]
TICKETS = 5

LOCUSTFILE = '''
import json
from locust import FastHttpUser, events
from stampede import RacingUser

class Buyer(RacingUser, FastHttpUser):
    asked = 0

    def prepare(self):
        Buyer.asked += 1
        if Buyer.asked == 1:
            return None  # the master asks again
        return self.client.post("/concerts").json()

    def get_ready(self, prize):
        self.client.get("/")

    def race(self, prize):
        racer = f"{self.environment.runner.client_id}/{id(self)}"
        path = f"/concerts/{prize['id']}/tickets"
        with self.client.post(path, data=racer, name="buy", catch_response=True) as response:
            response.success()
        return response.status_code == 201

class Stumbler(Buyer):
    """Is alone in its race, sends, and falls."""
    fixed_count = 1

    def race(self, prize):
        super().race(prize)
        raise RuntimeError("stumbled")

@events.test_stop.add_listener
def write(environment, **_):
    if hasattr(environment, "stampede_races"):
        with open("races.json", "a") as file:
            print(json.dumps(environment.stampede_races), file=file)
'''


class TicketOffice(ThreadingHTTPServer):
    """Sells five tickets for each concert, and remembers who asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = Lock()
        self.concerts = itertools.count(1)
        self.asked: dict[int, list[str]] = defaultdict(list)

    def sell(self, concert: int, racer: str) -> bool:
        with self.lock:
            self.asked[concert].append(racer)
            return len(self.asked[concert]) <= TICKETS


class Counter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TicketOffice

    def do_GET(self) -> None:
        self.answer(200)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/concerts":
            self.answer(201, {"id": next(self.server.concerts)})
        else:
            concert = int(self.path.split("/")[2])
            self.answer(201 if self.server.sell(concert, body) else 409)

    def answer(self, status: int, body: object = None) -> None:
        content = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Process:
    """A `locust`, and what it has logged."""

    def __init__(self, folder: Path, name: str, options: str) -> None:
        self._log = folder / f"{name}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "locust", "-f", "locustfile.py", *options.split()],
                cwd=folder,
                env={**plain_environment(), "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str, times: int = 1) -> None:
        """Wait until so many lines of the log match."""
        deadline = time.monotonic() + 60
        while len(re.findall(pattern, self.log)) < times:
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, f"no {pattern!r} in\n{self.log}"
            time.sleep(0.05)

    def end(self, with_signal: int = signal.SIGTERM) -> None:
        self._process.send_signal(with_signal)
        self._process.wait(30)


@pytest.fixture
def office() -> Iterator[TicketOffice]:
    server = TicketOffice()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def locust(tmp_path: Path, office: TicketOffice) -> Iterator[Callable[..., Process]]:
    """Starts Locust on the locustfile above; its master may have workers."""
    (tmp_path / "locustfile.py").write_text(LOCUSTFILE)
    started: list[Process] = []

    def start(name: str, options: str) -> Process:
        started.append(Process(tmp_path, name, f"{options} --host {office.url}"))
        return started[-1]

    yield start
    for process in started:
        process.end(signal.SIGKILL)


def cluster(locust: Callable[..., Process], workers: int, options: str) -> tuple[Process, list[Process]]:
    port = free_port()
    master = locust("master", f"--master --master-bind-port {port} --expect-workers {workers} {options}")
    names = [f"worker-{number}" for number in range(workers)]
    return master, [locust(name, f"--worker --master-port {port}") for name in names]


def recorded(folder: Path) -> list[list[dict[str, Any]]]:
    """The rounds of each test that has come to its end."""
    return [json.loads(line) for line in (folder / "races.json").read_text().splitlines()]


def workers_that_asked(office: TicketOffice, concert: int) -> int:
    return len({racer.split("/")[0] for racer in office.asked[concert]})


def rounds_of(racers: int) -> str:
    return rf"Buyer, round \d+: {racers} racers, {TICKETS} won, {racers - TICKETS} lost"


def test_all_racers_of_all_workers_race_round_after_round(
    locust: Callable[..., Process], office: TicketOffice, tmp_path: Path
) -> None:
    """Each of twelve racers on three workers asks once for each concert; five get a ticket, as they say.

    A worker that is held up sits a round out, or is not waited for: such a round is not whole.
    """
    master, _ = cluster(locust, 3, "--headless --users 12 --spawn-rate 12 Buyer")
    master.wait_for(rounds_of(12), times=4)
    master.end()
    (races,) = recorded(tmp_path)
    assert [race["round"] for race in races] == list(range(1, len(races) + 1))
    for race in races:
        asked = office.asked[race["prize"]["id"]]
        assert len(asked) == len(set(asked)), "nobody asks twice"
        assert race["winners"] <= TICKETS
    whole = [race for race in races if race["shots"] == 12]
    assert len(whole) >= max(4, len(races) / 2)
    everybody = set(office.asked[whole[0]["prize"]["id"]])
    assert len(everybody) == 12
    assert workers_that_asked(office, whole[0]["prize"]["id"]) == 3
    for race in whole:
        assert (race["racers"], race["winners"], race["losers"]) == (12, 5, 7)
        assert sorted(office.asked[race["prize"]["id"]]) == sorted(everybody)
        assert 0 < race["spread_ms"] < 1000
        assert 0 <= race["overlap"] <= 1


@pytest.mark.long
def test_worker_that_is_killed_does_not_hold_up_the_race(locust: Callable[..., Process]) -> None:
    """The others go on, also while the master has not noticed yet."""
    master, workers = cluster(locust, 3, "--headless --users 12 --spawn-rate 12 Buyer")
    master.wait_for(rounds_of(12), times=2)
    workers[0].end(signal.SIGKILL)
    master.wait_for(rounds_of(8), times=4)
    master.end()
    assert "Traceback" not in master.log


@pytest.mark.long
def test_worker_that_joins_takes_part_in_the_rounds_to_come(
    locust: Callable[..., Process], office: TicketOffice
) -> None:
    """Stock Locust gives a worker that joins its share of the users, and they race."""
    port = free_port()
    options = f"--master --master-bind-port {port} --expect-workers 1 --enable-rebalancing"
    master = locust("master", f"{options} --headless --users 12 --spawn-rate 12 Buyer")
    locust("first", f"--worker --master-port {port}")
    master.wait_for(rounds_of(12), times=2)
    assert workers_that_asked(office, max(office.asked)) == 1
    locust("late", f"--worker --master-port {port}")
    deadline = time.monotonic() + 60
    while workers_that_asked(office, max(office.asked)) < 2:
        assert time.monotonic() < deadline, master.log
        time.sleep(0.05)
    master.end()


@pytest.mark.long
def test_races_begin_anew_with_each_test(locust: Callable[..., Process], tmp_path: Path) -> None:
    """One master, two tests one after the other: the second knows nothing of the first's rounds."""
    web = free_port()
    master, _ = cluster(locust, 2, f"--web-host 127.0.0.1 --web-port {web} --stop-timeout 5 Buyer")
    wait_until_it_listens(web)
    master.wait_for("reported as ready", times=2)
    for test in (1, 2):
        rounds = len(re.findall(rounds_of(8), master.log))
        post(web, "/swarm", "user_count=8&spawn_rate=8")
        master.wait_for(rounds_of(8), times=rounds + 2)
        post(web, "/stop")
        master.wait_for("reported that it has stopped", times=2 * test)
        master.wait_for("reported as ready", times=2 + 2 * test)
    for races in recorded(tmp_path):
        assert [race["round"] for race in races] == list(range(1, len(races) + 1))
    assert len(recorded(tmp_path)) == 2
    assert master.log.count("Buyer, round 1:") == 2


def test_locust_alone_races_and_stops_at_once(locust: Callable[..., Process], office: TicketOffice) -> None:
    """No master, no workers: the same race. Who waits for a round does not wait for the stop timeout."""
    web = free_port()
    alone = locust("alone", f"--web-host 127.0.0.1 --web-port {web} --stop-timeout 20 Buyer")
    wait_until_it_listens(web)
    post(web, "/swarm", "user_count=8&spawn_rate=8")
    alone.wait_for(rounds_of(8), times=2)
    began = time.monotonic()
    post(web, "/stop")
    assert time.monotonic() - began < 10
    assert sum(len(set(asked)) == 8 for asked in office.asked.values()) >= 2


def test_racer_that_raises_is_told_and_the_rounds_go_on(
    locust: Callable[..., Process], tmp_path: Path
) -> None:
    """Two kinds of racers at once, each in rounds of its own; Locust counts the exceptions of one of them."""
    alone = locust("alone", "--headless --users 9 --spawn-rate 9 --csv run Buyer Stumbler")
    alone.wait_for("Stumbler, round 3: 1 racers, 0 won, 0 lost")
    alone.wait_for(rounds_of(8), times=3)
    alone.end()
    assert "RuntimeError: stumbled" in alone.log
    assert "stumbled" in (tmp_path / "run_exceptions.csv").read_text()
    stumblers = [race for race in recorded(tmp_path)[0] if race["user_class"] == "Stumbler"]
    assert [race["round"] for race in stumblers][:3] == [1, 2, 3]
    assert all(race["shots"] == 1 and race["overlap"] is None for race in stumblers)


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, f"nobody listens at {port}"
        time.sleep(0.05)


def post(port: int, path: str, form: str = "") -> None:
    with urlopen(f"http://127.0.0.1:{port}{path}", data=form.encode(), timeout=60) as answer:
        assert json.load(answer)["success"]

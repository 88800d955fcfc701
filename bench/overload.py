"""Measure the API in an overload: ``.venv/bin/python bench/overload.py [--patient]``.

The API runs alone, on an embedded PostgreSQL; the users share its machine. First 200 users send without a
pause. Then users send 2 and 5 times as many requests as the API can serve, with 200 users again after each.
A user that waits half a second for each answer sends two requests a second, so half as many users as
requests are needed. 200 users keep the API busy, but wait far less than half a second.

Users send again at once or, with --patient, when Retry-After has passed. A part of the requests (ORDERS)
are orders with a key, the others read products. Stages are compared as if the cores had been equally fast in
all of them (stampede/sampling/core_speed.py). Prints a Markdown table and the limits; exits with 1 if a
limit is missed.
"""

from __future__ import annotations

import argparse
import heapq
import multiprocessing
import os
import random
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from postgres import embedded  # noqa: E402
from stampede.sampling.core_speed import same_work_ms  # noqa: E402

PORT = 18766
USERS = 200
#: The API accepts 8,192 connections.
MOST_USERS = 8000
SECONDS = 15.0
#: Seconds at the start of each stage that do not count: users connect, and the API recovers from a spike.
SETTLING = 5.0
GENERATORS = 2
ORDERS = 0.4
EXPECTED = {200, 201, 409}
#: Seconds after the end in which an answer may still arrive.
PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A number of users for a time; times are in seconds of the monotonic clock."""

    users: int
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request; `status` is 0 if the connection broke or no answer arrived."""

    at: float
    seconds: float
    status: int


class Seen(NamedTuple):
    """The answers that one process's users got, and the core's speed: (time, milliseconds of fixed work)."""

    answers: list[Answer]
    same_work: list[tuple[float, float]]


class User:
    """A connection, kept alive, with one request at a time."""

    def __init__(self) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", PORT))
        self.asked: float | None = None
        self._received = b""

    def ask(self) -> None:
        self.asked = time.monotonic()
        self.socket.send(request())

    def receive(self) -> tuple[int, float] | None:
        """Return the status and Retry-After (0: none) of an answer; None while it is incomplete."""
        try:
            received = self.socket.recv(65536)
        except ConnectionError:
            received = b""
        if not received:
            return 0, 0.0
        self._received += received
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < number(head, b"content-length: "):
            return None
        self._received = b""
        return int(head[9:12]), number(head, b"retry-after: ")


def number(head: bytes, name: bytes) -> int:
    """Return the value of a header; 0 if there is none."""
    return int(head.partition(name)[2].partition(b"\r")[0] or 0)


def request() -> bytes:
    product = random.randint(1, 900)  # noqa: S311 - guards no secret
    if random.random() >= ORDERS:  # noqa: S311
        return b"GET /products/%d HTTP/1.1\r\nHost: x\r\n\r\n" % product
    body = b'{"product_id": %d, "quantity": 1}' % product
    return (
        b"POST /orders/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Idempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
    ) % (os.urandom(8).hex().encode(), len(body), body)


class Crowd:
    """The users of the stages, in this process. Its own event loop costs the least CPU."""

    def __init__(self, stages: list[Stage], patient: bool) -> None:
        self._stages = stages
        self._patient = patient
        self._users: dict[int, User] = {}
        self._resting: list[tuple[float, int]] = []
        self._poll = select.epoll()
        self._seen = Seen([], [])
        self._looked = 0.0

    def run(self) -> Seen:
        while time.monotonic() < self._stages[0].begin:
            time.sleep(0.01)
        while time.monotonic() < self._stages[-1].end:
            self._step()
        last = time.monotonic() + PATIENCE
        while self._users and time.monotonic() < last:
            self._step()
        resting = {user for _, user in self._resting}
        for descriptor in self._users.keys() - resting:
            self._note(self._users[descriptor], 0)
        return self._seen

    def _wanted(self) -> int:
        now = time.monotonic()
        return next((stage.users for stage in self._stages if now < stage.end), 0)

    def _step(self) -> None:
        wanted = self._wanted()
        self._look()
        while self._resting and len(self._users) > wanted:  # idle users leave first
            self._leave(self._resting.pop()[1])
        for _ in range(min(20, wanted - len(self._users))):
            self._come()
        while self._resting and self._resting[0][0] <= time.monotonic():
            self._go_on(heapq.heappop(self._resting)[1], wanted)
        for descriptor, _event in self._poll.poll(0.01):
            user = self._users[descriptor]
            if user.asked is None:
                self._poll.modify(descriptor, select.EPOLLIN)
                user.ask()
            elif (answer := user.receive()) is not None:
                self._hear(descriptor, *answer, wanted)

    def _look(self) -> None:
        """Measure the speed of the cores, ten times a second."""
        now = time.monotonic()
        if now - self._looked > 0.1:
            self._looked = now
            self._seen.same_work.append((now, same_work_ms()))

    def _come(self) -> None:
        user = User()
        self._users[user.socket.fileno()] = user
        self._poll.register(user.socket, select.EPOLLOUT)

    def _hear(self, descriptor: int, status: int, retry_after: float, wanted: int) -> None:
        self._note(self._users[descriptor], status)
        if not status:
            self._leave(descriptor)
        elif self._patient and retry_after:
            heapq.heappush(self._resting, (time.monotonic() + retry_after, descriptor))
        else:
            self._go_on(descriptor, wanted)

    def _note(self, user: User, status: int) -> None:
        now = time.monotonic()
        self._seen.answers.append(Answer(now, now - (user.asked or now), status))

    def _go_on(self, descriptor: int, wanted: int) -> None:
        if len(self._users) > wanted:
            self._leave(descriptor)
        else:
            self._users[descriptor].ask()

    def _leave(self, descriptor: int) -> None:
        user = self._users.pop(descriptor)
        self._poll.unregister(descriptor)
        user.socket.close()


def generate(stages: list[Stage], patient: bool, results: Connection) -> None:
    results.send(Crowd(stages, patient).run())


def drive(users: list[int], patient: bool, api: int) -> list[Row]:
    """Return a row for each stage."""
    begin = time.monotonic() + 1
    stages = [
        Stage(count // GENERATORS, begin + SECONDS * index, begin + SECONDS * (index + 1))
        for index, count in enumerate(users)
    ]
    pipes = []
    for _ in range(GENERATORS):
        receiver, sender = multiprocessing.Pipe(duplex=False)
        multiprocessing.Process(target=generate, args=(stages, patient, sender)).start()
        pipes.append(receiver)
    memory = []
    for stage in stages:
        time.sleep(max(0, stage.end - 0.2 - time.monotonic()))
        memory.append(resident(api))
    all_seen = [pipe.recv() for pipe in pipes]
    seen = Seen(*(list(chain.from_iterable(of_each)) for of_each in zip(*all_seen, strict=True)))
    return [Row.of(stage, seen, mebibytes) for stage, mebibytes in zip(stages, memory, strict=True)]


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a stage: requests per second, milliseconds, MiB."""

    users: int
    good: float
    refused: float
    failed: int
    good_p95: float
    good_longest: float
    refused_longest: float
    mebibytes: int
    same_work: float

    @classmethod
    def of(cls, stage: Stage, seen: Seen, mebibytes: int) -> Row:
        answers, seconds = seen.answers, stage.end - stage.begin - SETTLING
        ended = [answer for answer in answers if stage.begin + SETTLING <= answer.at < stage.end]
        begun = [answer for answer in answers if stage.begin <= answer.at - answer.seconds < stage.end]
        good = sorted(answer.seconds * 1000 for answer in ended if answer.status in EXPECTED)
        refused = [answer for answer in ended if answer.status == 503]
        return cls(
            stage.users * GENERATORS,
            round(len(good) / seconds),
            round(len(refused) / seconds),
            sum(answer.status not in EXPECTED | {503} for answer in begun),
            round(good[len(good) * 95 // 100]) if good else 0,
            round(max((one.seconds for one in begun if one.status in EXPECTED), default=0) * 1000),
            round(max((one.seconds for one in begun if one.status == 503), default=0) * 1000),
            mebibytes,
            fmean(ms for at, ms in seen.same_work if stage.begin + SETTLING <= at < stage.end),
        )

    def __str__(self) -> str:
        return (
            f"| {self.users} | {self.good} | {self.refused} | {self.failed} | {self.good_p95} "
            f"| {self.good_longest} | {self.refused_longest} | {self.mebibytes} | {self.same_work:.3f} |"
        )


def resident(process: int) -> int:
    """Return the memory of a process and its children in MiB."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (process, *children))
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024**2


@contextmanager
def running_api() -> Iterator[int]:
    """Run the API and yield its process id."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and must be able to enter
        with embedded.running(Path(folder)) as database:
            api = subprocess.Popen(
                [sys.executable, "run_api.py", "--port", str(PORT)],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": database.url("api")},
                stdout=subprocess.DEVNULL,
            )
            try:
                wait_for(f"http://127.0.0.1:{PORT}/health")
                yield api.pid
            finally:
                api.terminate()
                api.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def missed(times: int, before: Row, during: Row, after: Row) -> Iterator[str]:
    """Print each limit with its result, and yield the missed ones."""
    least = 0.8 * before.good * before.same_work / during.same_work
    most = 1.2 * before.good_p95 * after.same_work / before.same_work
    wanted = {
        f"goodput {during.good}/s >= {least:.0f}/s, 80 % of {before.good}/s": during.good >= least,
        f"{during.failed} requests hung or failed": not during.failed,
        f"refused within {during.refused_longest} ms <= 1000": during.refused_longest <= 1000,
        f"p95 afterwards {after.good_p95} ms <= {most:.0f} ms, 1.2 x {before.good_p95} ms": (
            0 < after.good_p95 <= most
        ),
        f"memory {during.mebibytes} MiB <= 512": during.mebibytes <= 512,
    }
    for what, kept in wanted.items():
        print(f"{times} times: {'kept' if kept else 'MISSED'}: {what}")
        if not kept:
            yield what


def main() -> int:
    """Print the tables; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure the API in an overload")
    parser.add_argument("--patient", action="store_true", help="users honour Retry-After")
    patient = parser.parse_args().patient
    wrong: list[str] = []
    with running_api() as api:
        print("| users | good/s | 503/s | failed | p95, ms | longest | longest 503 | MiB | same work, ms |")
        print("|---|---|---|---|---|---|---|---|---|")
        spikes = []
        for times in (2, 5):
            capacity = drive([USERS], patient, api)[0].good
            users = min(int(times * capacity / 2), MOST_USERS)
            spikes.append((times, drive([USERS, users, USERS], patient, api)))
        for _, rows in spikes:
            print(*rows, sep="\n", flush=True)
    for times, (before, during, after) in spikes:
        wrong += missed(times, before, during, after)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

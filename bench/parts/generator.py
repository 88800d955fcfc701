"""The generator: the shop's users in Stampede, and the same customers in stock Locust.

All send to the server of server.c, which answers with the bytes that the API would send, and needs a tenth of
the CPU of any of them: so the users are the bottleneck. The server counts the requests.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench import HERE, BenchError, wrk
from bench.clusters import Cluster, Stampede, Stock, Window
from bench.cpu import memory_kib
from bench.figures import Figure, figure, ratio
from bench.journey import rules
from bench.processes import Processes
from bench.rounds import interleaved
from bench.server import Server

TITLE = "Users: CPU and memory of a worker"
NOTES = (
    "OrderProcessingUser of load_tests/ in Stampede, with ledger and outcomes, is compared with the same "
    "tasks in a plain locustfile for stock Locust (bench/peers/locustfile.py). Each side has one worker, "
    "which reports to a master. The target is a server in C (bench/server.c): it answers with fixed bytes of "
    "the size of the API's answers, counts the requests, and is never the bottleneck. wrk, which repeats "
    "prebuilt bytes, is the lower bound.",
    "The memory of a worker is what no other process shares (USS). The memory of a user is the difference of "
    "1,000 and 500 users, divided by 500: the first users get memory that the start of the worker has "
    "freed. It hardly differs, so it has three rounds.",
)
PACKAGES = ("locust", "gevent", "geventhttpclient", "requests", "httptools")

OURS, FAST, PLAIN, WRK = "Stampede", "FastHttpUser", "HttpUser", "wrk"
SECONDS = 3.0
USERS, RATE, PACED_USERS = 50, 750, 200
FEW, MANY = 500, 1000
MEMORY_ROUNDS = 3
MEMORY_SPAWN_RATE = 100
MEMORY_SECONDS = 3.0
MOST_USERS_RATE = 250
"""Requests per second of the many users: each has sent some when the memory is measured."""


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure at full speed, then paced, then the memory."""
    with Processes(folder) as processes:
        server = Server(processes, rules())
        yield from _speed("full speed", _at_full_speed(processes, server, rounds), "<= 0.55")
        paced = _paced(processes, server, rounds)
        yield from _speed(f"paced, {RATE}/s", paced, "<= 0.8")
        rates = [window.rate for windows in paced.values() for window in windows]
        yield figure(f"paced, {RATE}/s: requests/s of all sides", "/s", rates)
        yield from _memory(processes, server, rounds)


def _speed(how: str, windows: dict[str, list[Window]], required: str) -> Iterator[Figure]:
    cpu = {side: [window.us_per_request for window in measured] for side, measured in windows.items()}
    for side, values in cpu.items():
        yield figure(f"{how}: CPU of a request, {side}", "µs", values)
    for side, limit in ((FAST, required), (PLAIN, "")):
        yield ratio(f"{how}: CPU of a request, Stampede ÷ {side}", cpu[OURS], cpu[side], limit)


def _at_full_speed(processes: Processes, server: Server, rounds: int) -> dict[str, list[Window]]:
    clusters = _clusters(processes, server, "full", 0.0)
    load = {OURS: {"profile": "full-speed"}, FAST: (USERS, 100), PLAIN: (USERS, 100)}
    sides = {side: partial(cluster.run, load[side], SECONDS) for side, cluster in clusters.items()}
    try:
        wrk.run(server.url, 1, USERS, HERE / "journey.lua")
        sides[WRK] = partial(_wrk, server)
    except BenchError as error:
        print(f"  left out: {error}", flush=True)
    measured = interleaved(sides, rounds, "full speed, ")
    _end(clusters)
    return measured


def _wrk(server: Server) -> Window:
    sent = wrk.run(server.url, 2, USERS, HERE / "journey.lua")
    return Window(sent.seconds, sent.requests, sent.cpu, 0.0)


def _paced(processes: Processes, server: Server, rounds: int) -> dict[str, list[Window]]:
    clusters = _clusters(processes, server, "paced", RATE / PACED_USERS)
    load = {OURS: {"profile": "paced"}, FAST: (PACED_USERS, 100), PLAIN: (PACED_USERS, 100)}
    sides = {side: partial(cluster.run, load[side], SECONDS) for side, cluster in clusters.items()}
    measured = interleaved(sides, rounds, "paced, ")
    _end(clusters)
    return measured


def _memory(processes: Processes, server: Server, rounds: int) -> Iterator[Figure]:
    """Memory does not depend on the other side, so both are measured at the same time."""
    measured: dict[str, list[tuple[float, float]]] = {OURS: [], FAST: [], PLAIN: []}
    rounds = min(rounds, MEMORY_ROUNDS)
    for number in range(rounds):
        clusters = _clusters(processes, server, f"memory-{number}", MOST_USERS_RATE / MANY)
        what = f"memory, round {number + 1} of {rounds}"
        try:
            with ThreadPoolExecutor(len(clusters)) as threads:
                found = list(threads.map(_memory_of, clusters.values()))
        except BenchError as error:  # on a busy machine stock Locust loses its worker
            print(f"  left out: {what}: {error}", flush=True)
        else:
            for side, values in zip(clusters, found, strict=True):
                measured[side].append(values)
            print(f"  {what}", flush=True)
        _end(clusters)
    if not measured[OURS]:
        raise BenchError("the memory of users could not be measured: the machine is too busy")
    for side, rows in measured.items():
        yield figure(f"memory of a worker with {FEW} users, {side}", "MiB", [few / 1024 for few, _ in rows])
    for side, rows in measured.items():
        growth = [(many - few) / (MANY - FEW) for few, many in rows]
        yield figure(f"memory of a user, {side}", "KiB", growth, "<= 60" if side == OURS else "")


def _memory_of(cluster: Cluster) -> tuple[float, float]:
    """Return the worker's memory in KiB with few and with many users, each after its first request."""
    found = []
    for users in (FEW, MANY):
        rate = MOST_USERS_RATE * users / MANY
        load = {"profile": "paced", "users": users, "rate": rate, "spawn_rate": MEMORY_SPAWN_RATE}
        is_ours = isinstance(cluster, Stampede)
        cluster.start(load if is_ours else (users, MEMORY_SPAWN_RATE))  # stock Locust adds users to a run
        time.sleep(MEMORY_SECONDS)
        found.append(memory_kib(cluster.pids[0]))
        if is_ours:
            cluster.stop()
    return found[0], found[1]


def _clusters(processes: Processes, server: Server, name: str, rate_of_user: float) -> dict[str, Cluster]:
    return {
        OURS: Stampede(processes, f"{name}-stampede", server),
        FAST: Stock(processes, f"{name}-fast", server, FAST, rate_of_user),
        PLAIN: Stock(processes, f"{name}-plain", server, PLAIN, rate_of_user),
    }


def _end(clusters: dict[str, Cluster]) -> None:
    for cluster in clusters.values():
        cluster.end()

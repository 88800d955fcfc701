"""The cluster: what more workers cost, on the workers and on the master."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench.clusters import Stampede, Window
from bench.figures import Figure, figure, ratio
from bench.journey import rules
from bench.processes import Processes, wait_until
from bench.rounds import interleaved
from bench.server import Server

TITLE = "Cluster: more workers, more users"
NOTES = (
    "The shop's customers send to a server with fixed answers: 50 users and 250 requests/s for each worker. "
    "All are on one machine. The CPU time of a request is that of all workers.",
    "For the master alone, workers without users (bench/crowd.py) join a real master. Each second they send "
    "it recorded reports, encrypted as those of real workers: 200 workers of 10 and of 50 requests/s, and 8 "
    "workers of 1,250. The share of a worker is the difference to a master without workers, divided by their "
    "number.",
)
PACKAGES = ("locust", "gevent", "pyzmq", "msgpack")

WORKERS = (1, 2, 4, 8)
SECONDS = 2.5
MANY_USERS, MANY_USERS_RATE = 2000, 2000

CROWDS = ((200, 10), (200, 50), (8, 1250))
"""How many workers, and the requests per second of each."""

RECORDING_SECONDS = 4.0


class Master(NamedTuple):
    """What a master did: CPU in percent of a core, and the requests per second that it counted."""

    percent: float
    rate: float


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure real workers, then the master with recorded ones."""
    with Processes(folder) as processes:
        server = Server(processes, rules())
        yield from _workers(processes, server, rounds)
        yield from _master(processes, server, rounds)


def _workers(processes: Processes, server: Server, rounds: int) -> Iterator[Figure]:
    clusters = {count: Stampede(processes, f"workers-{count}", server, count) for count in WORKERS}
    many = {"users": MANY_USERS, "rate": MANY_USERS_RATE}
    sides: dict[str, Callable[[], Window]] = {
        _workers_name(count): partial(
            cluster.run, {"profile": "workers", "users": 50 * count, "rate": 250 * count}, SECONDS
        )
        for count, cluster in clusters.items()
    }
    crowded = f"{MANY_USERS:,} users on 8 workers"
    sides[crowded] = partial(clusters[8].run, {"profile": "workers", **many}, SECONDS)
    measured = interleaved(sides, rounds)
    cpu = {name: [window.us_per_request for window in windows] for name, windows in measured.items()}
    for name, values in cpu.items():
        yield figure(f"CPU of a request, {name}", "µs", values)
    most, least = _workers_name(WORKERS[-1]), _workers_name(1)
    yield ratio(f"CPU of a request, {most} ÷ {least}", cpu[most], cpu[least], "<= 1.1")
    for name, windows in measured.items():
        yield figure(f"CPU of the master, {name}", "% of a core", map(_master_percent, windows))
    rates = [window.rate for window in measured[crowded]]
    yield figure(f"requests/s, {crowded} (wanted: {MANY_USERS_RATE:,})", "/s", rates)
    for cluster in clusters.values():
        cluster.end()


def _workers_name(count: int) -> str:
    return f"{count} workers" if count > 1 else "1 worker"


def _master_percent(window: Window) -> float:
    return 100 * window.master_cpu / window.seconds


def _master(processes: Processes, server: Server, rounds: int) -> Iterator[Figure]:
    recordings = {rate: _record(processes, server, rate) for rate in sorted({rate for _, rate in CROWDS})}
    alone = "no worker"
    workers_of: dict[str, int] = {}
    sides: dict[str, Callable[[], Master]] = {
        alone: partial(_master_of, _lonely_master(processes, server, alone))
    }
    for workers, rate in CROWDS:
        name = f"{workers} workers, {workers * rate:,} requests/s"
        cluster = _lonely_master(processes, server, f"crowd-{workers}-{rate}")
        _start_crowd(processes, cluster, workers, recordings[rate])
        sides[name] = partial(_with_crowd, cluster, workers, rate)
        workers_of[name] = workers
    measured = interleaved(sides, rounds, "master, ")
    percents = {name: [master.percent for master in masters] for name, masters in measured.items()}
    for name, values in percents.items():
        yield figure(f"CPU of the master, {name}", "% of a core", values)
    for name, workers in workers_of.items():
        shares = zip(percents[name], percents[alone], strict=True)
        each = ((with_crowd - without) / workers for with_crowd, without in shares)
        yield figure(f"CPU of the master for a worker, {name}", "% of a core", each)
        yield figure(f"requests/s that it counted, {name}", "/s", [one.rate for one in measured[name]])


def _record(processes: Processes, server: Server, rate: int) -> Path:
    """Return the file with the reports of a worker at this rate."""
    file = processes.folder / f"recording-{rate}"
    variables = {"BENCH_RECORDING": str(file)}
    cluster = Stampede(
        processes, f"recorded-{rate}", server, locustfile="bench/recording.py", variables=variables
    )
    load: dict[str, Any] = {"profile": "workers", "users": max(1, rate // 5), "rate": rate}
    cluster.run(load, RECORDING_SECONDS)
    cluster.end()
    return file


def _lonely_master(processes: Processes, server: Server, name: str) -> Stampede:
    name = f"master-{name.replace(' ', '-')}"
    return Stampede(processes, name, server, workers=0, locustfile="bench/recording.py")


def _start_crowd(processes: Processes, cluster: Stampede, workers: int, recording: Path) -> None:
    command = [sys.executable, "-m", "bench.crowd", str(cluster.master_port), str(workers), str(recording)]
    processes.start(f"{cluster.name}-crowd", [*command, str(cluster.key)])
    wait_until(lambda: cluster.api.worker_count() == workers, f"the {workers} workers of the crowd")


def _with_crowd(cluster: Stampede, workers: int, rate: int) -> Master:
    """Return what the master does while so many workers report."""
    cluster.start({"profile": "workers", "users": 10 * workers, "rate": rate * workers})
    time.sleep(1.0)
    master = _master_of(cluster)
    cluster.stop()
    return master


def _master_of(cluster: Stampede) -> Master:
    """Return what the master does in the next seconds."""
    before, requests = cluster.now(), cluster.api.run()["requests"]
    time.sleep(SECONDS)
    after, counted = cluster.now(), cluster.api.run()["requests"] - requests
    seconds = after.seconds - before.seconds
    return Master(100 * (after.master_cpu - before.master_cpu) / seconds, counted / seconds)

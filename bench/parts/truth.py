"""Truth: whether the response times of a report are those that the server had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from bench.clusters import Stampede
from bench.figures import Figure, figure
from bench.processes import Processes
from bench.rounds import interleaved
from bench.server import Rule, Server, Times

TITLE = "Truth: response times of a server with known delays"
NOTES = (
    "A server in C answers after 10, 100 or 500 ms, and measures the times itself: from the last byte of the "
    "request to the answer. One worker sends at a steady rate. The allowed difference of a percentile in the "
    "report is 0.3 ms or 2 % of the delay, whichever is more. The figure is the largest difference of the "
    "three delays, divided by the allowed one. A run that VALID refuses is marked as such, and has no limit.",
)
PACKAGES = ("locust", "gevent", "httptools")

DELAYS = (10, 100, 500)
RATES = (500, 1500, 3000, 6000)
USERS_OF_RATE = 0.2
"""Users for each request per second: an answer takes 73 ms on average, so four of ten wait for one."""

PERCENTILES = ("p50", "p95", "p99")


class Run(NamedTuple):
    """What a run reported of each percentile, and what the server measured."""

    is_valid: bool
    shares: Mapping[str, float]
    """The largest difference of each percentile, divided by the allowed one."""
    added: float
    """How much longer than the delay the server itself took: the worst p50 in ms."""


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure at each rate."""
    with Processes(folder) as processes:
        rules = [Rule("GET", f"/delay/{delay}", b"{}", delay_ms=delay) for delay in DELAYS]
        rules.reverse()  # the first one whose prefix fits counts
        server = Server(processes, rules)
        cluster = Stampede(processes, "truth", server, locustfile="bench/waiting.py")
        sides = {f"{rate}/s": partial(_run, cluster, server, rate) for rate in RATES}
        measured = interleaved(sides, rounds)
    yield from figures(measured)


def _run(cluster: Stampede, server: Server, rate: int) -> Run:
    server.reset()
    cluster.start({"profile": "truth", "users": int(rate * USERS_OF_RATE), "rate": rate})
    cluster.wait_for_end()
    verdict, run = cluster.result("verdict.json"), cluster.result("run.json")
    valid = verdict["valid"]["verdict"] == "PASS"
    if not valid:
        wrong = [check for check in verdict["valid"]["checks"] if check["verdict"] in ("FAIL", "UNKNOWN")]
        print(*(f"    {check['name']}: {check['detail']}" for check in wrong), sep="\n", flush=True)
    served = dict(zip(reversed(DELAYS), server.times(), strict=True))
    reported = {int(route["name"].rpartition("/")[2]): route for route in run["window"]["routes"]}
    return compared(valid, reported, served)


def compared(is_valid: bool, reported: Mapping[int, Any], served: Mapping[int, Times]) -> Run:
    """Return the differences between the routes of run.json and what the server measured, by delay in ms."""
    shares = {
        name: max(
            abs(reported[delay][f"{name}_ms"] - getattr(times, name)) / allowed(delay)
            for delay, times in served.items()
        )
        for name in PERCENTILES
    }
    return Run(is_valid, shares, max(times.p50 - delay for delay, times in served.items()))


def allowed(delay: float) -> float:
    """Return the difference in ms that a percentile may have."""
    return max(0.3, 0.02 * delay)


def figures(measured: Mapping[str, Sequence[Run]]) -> Iterator[Figure]:
    """Yield the worst of all runs that VALID accepts, which have a limit; then the figures of each rate."""
    for name in PERCENTILES:
        by_round = (
            [run.shares[name] for run in runs if run.is_valid]
            for runs in zip(*measured.values(), strict=True)
        )
        if worst := [max(shares) for shares in by_round if shares]:
            yield figure(f"difference of {name} ÷ allowed, all VALID runs", "", worst, "<= 1")
    for rate, runs in measured.items():
        yield figure(f"{rate}: runs that VALID accepts", "%", [100 * fmean(run.is_valid for run in runs)])
        for is_valid, which in ((True, "VALID"), (False, "refused")):
            for name in PERCENTILES:
                if shares := [run.shares[name] for run in runs if run.is_valid is is_valid]:
                    yield figure(f"{rate}: difference of {name} ÷ allowed, {which} runs", "", shares)
    added = [run.added for runs in measured.values() for run in runs]
    yield figure("added by the server itself, p50", "ms", added)

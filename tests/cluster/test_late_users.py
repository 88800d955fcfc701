"""A freeze of the API shows: in the latency from when requests were due, where the service time hides it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chaos.processes import Processes
from tests.checkout import Checkout, wait_until

FREEZE = 2.0
"""Seconds."""


@pytest.fixture
def cluster(checkout: Checkout) -> Iterator[Processes]:
    assert checkout.make("up", "WORKERS=2", "RUNTIME=local").returncode == 0
    cluster = Processes(checkout)
    yield cluster
    cluster.mend()


def frozen_run(cluster: Processes) -> dict[str, Any]:
    """run.json of 30 s in which the API is frozen once, in the window."""
    checkout = cluster.checkout
    checkout.post("/stampede/run", json.dumps({"profile": "smoke", "run_time": "30s"}), "application/json")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "window", "all users")
    orders = checkout.orders_served()
    wait_until(lambda: checkout.orders_served() > orders + 200, "a few seconds of orders")
    cluster.pause("api")
    time.sleep(FREEZE)
    cluster.resume("api")
    wait_until(lambda: checkout.get("/stampede/run")["phase"] == "done", "the end of the run")
    return checkout.run_left_behind()


@pytest.mark.long
def test_a_freeze_shows_from_the_intended_start_and_hides_in_the_service_time(cluster: Processes) -> None:
    """Of 150 requests a second ten met it: those of the ten users. 300 more could not be sent when they were
    due, and what was measured of them begins when they were."""
    run = frozen_run(cluster)
    total, pace = run["window"]["total"], run["pace"]
    assert total["max_ms"] >= 1000 * FREEZE
    assert total["from_start"]["p99_ms"] >= 500 * FREEZE
    assert total["p99_ms"] <= total["from_start"]["p99_ms"] / 4
    assert pace["waited_late"] >= 100 * FREEZE
    assert pace["late_p99_ms"] >= 500 * FREEZE
    assert pace["sent_rps"] == pytest.approx(pace["wanted_rps"], rel=0.1), "all were sent in the end"


@pytest.mark.long
def test_the_seconds_add_up_to_the_run(cluster: Processes) -> None:
    """Requests, failures and outcomes are in their seconds, each once; none was answered in the freeze."""
    run = cluster.checkout.run_left_behind()
    assert sum(row["requests"] for row in run["seconds"]) == run["requests"] > 0
    assert sum(row["failures"] for row in run["seconds"]) == run["failures"]
    assert sum(sum(row["outcomes"].values()) for row in run["seconds"]) == run["requests"]
    window = run["window"]
    seconds = [row for row in run["seconds"] if window["start"] <= row["second"] < window["end"]]
    assert sum(row["requests"] for row in seconds) == pytest.approx(window["rps"] * window["seconds"], abs=2)
    of_blocks = [block["total"]["requests"] for block in window["blocks"]]
    assert (len(of_blocks), sum(of_blocks)) == (10, window["total"]["requests"])
    since = [row["requests"] for row in run["seconds"] if row["second"] >= window["start"]]
    after_stop = sum(since) - window["total"]["requests"]
    assert 0 <= after_stop <= 3 * run["users"], "a user may send the rest of its task after the stop"
    frozen = [row for row in seconds if not row["requests"]]
    assert 1 <= len(frozen) <= FREEZE, "two only if it began with one"
    for row in frozen:
        assert (row["users"], row["p50_ms"], row["from_start_p99_ms"]) == (10, None, None)

"""What a run leaves of what its roles were like, second by second, in both runtimes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.checkout import Checkout

ALL = {"second", "cpu_percent", "cpu_limit_cores", "memory_mb", "memory_limit_mb", "throttled_percent"}


pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=["local", "compose"])
def run(request: pytest.FixtureRequest, checkout: Checkout) -> dict[str, Any]:
    """run.json of a run over two workers; in containers each may use half a core."""
    if request.param == "compose":
        request.getfixturevalue("engine")
        (checkout.folder / ".env").write_text("WORKER_CPUS=0.5\n")
    settings = ("PROFILE=smoke", "RUN_TIME=8s", "WORKERS=2", f"RUNTIME={request.param}")
    done = checkout.rig("headless", *settings)
    assert done.returncode in (0, 12), done.stdout  # on a busy machine it may not be VALID
    return {**checkout.latest_run(), "runtime": request.param}


def rows_of(run: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    samples = run["samples"]
    workers = {f"worker {label}": rows for label, rows in samples["workers"].items()}
    return {**workers, **{role: samples[role] for role in ("api", "postgres", "master")}}


def test_every_role_has_a_row_for_each_second_of_the_window(run: dict[str, Any]) -> None:
    """In order, each once."""
    window = range(int(run["window"]["start"]), int(run["window"]["end"]))
    rows = rows_of(run)
    assert len(rows) == 5
    for role, of_role in rows.items():
        seconds = [row["second"] for row in of_role]
        assert seconds == sorted(set(seconds)), role
        assert len(set(window) - set(seconds)) <= 1, role  # a look may be late on a busy machine
        assert all(row.keys() >= ALL for row in of_role)
        assert sum(row["cpu_percent"] or 0 for row in of_role) > 0
        assert all(row["memory_mb"] > 1 for row in of_role)


def test_limits_are_those_of_the_containers(run: dict[str, Any]) -> None:
    """As processes there are none."""
    expected = {
        "worker": (0.5, 512.0),
        "master": (None, 512.0),
        "api": (None, 512.0),
        "postgres": (None, 1024.0),
    }
    for role, of_role in rows_of(run).items():
        limits = (of_role[-1]["cpu_limit_cores"], of_role[-1]["memory_limit_mb"])
        assert limits == (expected[role.split()[0]] if run["runtime"] == "compose" else (None, None)), role


def test_each_role_tells_what_only_it_knows(run: dict[str, Any]) -> None:
    """Hub lag, the pool, connections; and what is of the whole run."""
    samples = run["samples"]
    assert all(row["reports_late"] == 0 for row in samples["master"])
    assert max(row["pool_size"] for row in samples["api"]) >= 18
    assert any(row["commits"] > 50 for row in samples["postgres"])
    assert all(sum(row["connections"].values()) <= row["max_connections"] for row in samples["postgres"])
    labels = samples["workers"].keys()
    assert run["hub_lag"].keys() == run["clocks"].keys() == labels
    for label in labels:
        assert 0 < run["hub_lag"][label]["p99_ms"] <= run["hub_lag"][label]["max_ms"]
        clock = run["clocks"][label]
        assert abs(clock["offset_ms"]) <= clock["uncertainty_ms"] + 5, "there is one clock here"
    assert run["machine"]["generator_shares_cores"] is True
    assert {"place_order"} <= {each["statement"] for each in run["statements"]}

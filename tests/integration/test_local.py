"""Circus does one thing at a time and refuses what it is asked meanwhile: the rig waits for its turn."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from stampede.rig import local
from stampede.rig.local import Local
from stampede.rig.settings import Settings
from tests.checkout import wait_until

WORKERS = 2
TAKES_ITS_TIME = "trap 'touch leaving; sleep 2; exit' TERM; touch ready.$$; while :; do sleep 0.05; done"
CIRCUS = """
[circus]
endpoint = ipc://{sockets}/circus
pubsub_endpoint = ipc://{sockets}/circus-events

[watcher:worker]
cmd = sh worker.sh
working_dir = {folder}
numprocesses = {workers}
"""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Local]:
    """Nothing but workers who take two seconds to leave. A cluster that is up here stays untouched."""
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    monkeypatch.setattr(local, "_sockets", lambda: sockets)
    monkeypatch.setattr(local, "FOLDER", tmp_path)
    (tmp_path / "worker.sh").write_text(TAKES_ITS_TIME)
    configuration = tmp_path / "circus.ini"
    configuration.write_text(CIRCUS.format(sockets=sockets, folder=tmp_path, workers=WORKERS))
    with (tmp_path / "log").open("w") as log:
        circus = subprocess.Popen(
            [sys.executable, "-m", "circus.circusd", str(configuration)],
            env={**os.environ, local.MARK: str(tmp_path)},
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: len([*tmp_path.glob("ready.*")]) == WORKERS, "workers")
        yield Local(Settings())
    finally:
        local.end_leftovers()
        circus.wait(10)


@contextmanager
def busy(cluster: Local, folder: Path) -> Iterator[None]:
    """Somebody else has just asked for one worker less."""
    with ThreadPoolExecutor() as others:
        answer = others.submit(cluster.scale, WORKERS - 1)
        wait_until((folder / "leaving").exists, "a worker that leaves")
        yield
        answer.result()


def test_who_asks_while_circus_is_busy_gets_what_they_asked_for(cluster: Local, tmp_path: Path) -> None:
    """They are not told that the cluster is not up."""
    with busy(cluster, tmp_path):
        cluster.scale(WORKERS + 1)
    assert cluster.worker_count() == WORKERS + 1


def test_a_cluster_that_is_busy_is_taken_down_without_force(cluster: Local, tmp_path: Path) -> None:
    """It is told to end when it can hear it, instead of waited for in vain."""
    with busy(cluster, tmp_path):
        begun = time.monotonic()
        cluster.down()
    assert time.monotonic() - begun < local.STOP_TIMEOUT
    assert not cluster.is_up()

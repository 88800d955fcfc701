"""The archive of a run is made while it is read: its size takes no memory, and the master goes on."""

from __future__ import annotations

import http.client
import os
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.checkout import wait_until
from tests.integration.test_guard import MasterProcess, running

RUN = "20260101-120000-aaaa"
MEBIBYTE = 1024 * 1024
SIZE = 128 * MEBIBYTE
ADDRESS = f"/stampede/results/{RUN}.tar.gz"


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasterProcess]:
    """One with a run whose ledger is large, and cannot be compressed."""
    results = tmp_path_factory.mktemp("results")
    (results / RUN).mkdir()
    (results / RUN / "run.json").write_text("{}")
    block = os.urandom(MEBIBYTE)
    with (results / RUN / "ledger.jsonl.gz").open("wb") as file:
        for _ in range(SIZE // MEBIBYTE):
            file.write(block)
    with running(results, "--web-host", "127.0.0.1") as process:
        yield process


@contextmanager
def open_archive(master: MasterProcess) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", master.port, timeout=60)
    try:
        connection.request("GET", ADDRESS)
        with connection.getresponse() as answer:
            assert (answer.status, answer.getheader("Content-Type")) == (200, "application/gzip")
            yield answer
    finally:
        connection.close()


def names_and_sizes(master: MasterProcess) -> dict[str, int]:
    """Read an archive to its end."""
    with open_archive(master) as answer, tarfile.open(fileobj=answer, mode="r|gz") as archive:
        return {member.name: member.size for member in archive}


def peak_memory(master: MasterProcess) -> int:
    """The most that the master has ever taken, in bytes."""
    lines = Path(f"/proc/{master.process.pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def open_files(master: MasterProcess) -> list[str]:
    """Those of the run."""
    links = Path(f"/proc/{master.process.pid}/fd").iterdir()
    return [target for link in links if RUN in (target := os.path.realpath(link))]


def test_its_size_takes_no_memory_and_others_are_answered(master: MasterProcess) -> None:
    before = peak_memory(master)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(names_and_sizes, master)
        answered = 0
        while not reading.done():
            assert master.ask("GET", "/worker-count").status == 200
            answered += 1
    assert reading.result() == {RUN: 0, f"{RUN}/ledger.jsonl.gz": SIZE, f"{RUN}/run.json": 2}
    assert answered > 20
    assert peak_memory(master) - before < 20 * MEBIBYTE


def test_a_client_that_goes_away_leaves_no_open_file(master: MasterProcess) -> None:
    with ExitStack() as clients:
        for _ in range(5):
            clients.enter_context(open_archive(master)).read(MEBIBYTE)
        assert len(open_files(master)) == 5
    wait_until(lambda: open_files(master) == [], "the files are closed")

"""The rig tells a master that is gone from one that answers, whatever is at its port."""

from __future__ import annotations

import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from stampede.rig.master import Master, MasterGoneError
from tests.integration.speaking import speaking


@pytest.mark.parametrize(
    "text",
    [
        "SSH-2.0-OpenSSH",  # something else is at the port
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",  # it died while it answered
        "HTTP/1.1 200 OK\r\n\r\n<html>",  # a web server, and none of ours
        "HTTP/1.1 409 Conflict\r\n\r\n<html>",
    ],
)
def test_what_is_no_answer_of_a_master_is_none(text: str) -> None:
    with speaking(text) as url, pytest.raises(MasterGoneError, match=f"the master at {url} does not answer"):
        Master(url).run()


def test_a_master_that_dies_while_one_logs_in_is_gone() -> None:
    refuses = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
    with speaking(refuses) as url, pytest.raises(MasterGoneError):
        Master(url, ("ada", "lovelace")).run()


def an_archive() -> bytes:
    """Of a run's folder with a file in it that does not shrink."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        file = tarfile.TarInfo("x/run.json")
        file.size = 5000
        archive.addfile(file, io.BytesIO(bytes(place * place % 251 for place in range(file.size))))
    return packed.getvalue()


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    """One that hands out what lies in `served`."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield Master(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", an_archive()[:-50], an_archive()[:200] + bytes(50) + an_archive()[250:]],
    ids=["empty", "none", "cut off", "torn"],
)
def test_results_that_cannot_be_unpacked_are_lost(master: Master, tmp_path: Path, content: bytes) -> None:
    serve(tmp_path, content)
    with pytest.raises(MasterGoneError, match=f"its results cannot be unpacked into {tmp_path}: "):
        master.fetch_results("x", tmp_path)


def test_results_that_cannot_be_written_are_lost(master: Master, tmp_path: Path) -> None:
    """What was a folder when the run began is none any more."""
    serve(tmp_path, an_archive())
    (tmp_path / "results").touch()
    with pytest.raises(MasterGoneError, match=r"its results cannot be unpacked into .*results: "):
        master.fetch_results("x", tmp_path / "results")
    assert master.fetch_results("x", tmp_path) == tmp_path / "x"


def serve(folder: Path, content: bytes) -> None:
    file = folder / "served" / "stampede" / "results" / "x.tar.gz"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)

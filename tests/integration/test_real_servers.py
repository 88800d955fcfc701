"""FastUser against servers that many APIs stand on: nginx, uvicorn, and Granian, on which our API runs."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import trustme

from stampede import FastUser
from tests.integration.http_servers import nginx, uvicorn_server
from tests.integration.servers import Api
from tests.integration.visitors import visiting

TEXT = b"stock and orders\n" * 5_000
WILD = random.Random(15).randbytes(5_000_000)  # noqa: S311 - always the same
LARGE = bytes(20_000_000)
"""A body that is longer than what the kernel takes at once."""


def text(client: Any, method: str, path: str, **options: Any) -> str:
    """The text of an answer that is no error."""
    response = client.request(method, path, **options)
    assert response.error is None
    return str(response.text)


def await_close(client: Any) -> None:
    """Wait until the server has closed all connections."""
    while any(connection.is_open for kept in client._idle.values() for connection in kept):
        gevent.sleep(0.01)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files for nginx."""
    folder = tmp_path_factory.mktemp("nginx")
    (folder / "files").mkdir()
    (folder / "files" / "text").write_bytes(TEXT)
    (folder / "files" / "wild").write_bytes(WILD)
    return folder


@pytest.fixture(scope="module")
def nginx_url(folder: Path) -> Iterator[str]:
    with nginx(folder) as url:
        yield url


@pytest.fixture
def client(nginx_url: str) -> Iterator[Any]:
    """The client of a FastUser whose host is nginx."""
    with visiting(FastUser, host=nginx_url) as visitor:
        yield visitor.client


def test_many_requests_use_one_connection(client: Any) -> None:
    methods = [["GET", "POST", "DELETE"][number % 3] for number in range(300)]
    answers = [text(client, method, "/number").split() for method in methods]
    assert {connection for connection, *_ in answers} == {answers[0][0]}
    assert [number for _, number, _ in answers] == [str(number) for number in range(1, 301)]
    assert [method for *_, method in answers] == methods


def test_an_answer_without_a_body_leaves_the_connection_open(client: Any) -> None:
    """HEAD, 204, and 304 with headers that are those of a body."""
    tag = client.get("/text").headers["ETag"]
    assert client.head("/text").headers["Content-Length"] == str(len(TEXT))
    assert client.get("/empty").status_code == 204
    unchanged = client.get("/text", headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content, unchanged.error) == (304, b"", None)
    assert text(client, "GET", "/number").split()[1] == "5"


def test_a_body_comes_whole(client: Any) -> None:
    """In gzip and chunks; a large one; a part of it."""
    packed = client.get("/gzip/text")
    assert packed.content == TEXT
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Transfer-Encoding"] == "chunked"
    assert client.get("/wild").content == WILD
    part = client.get("/wild", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, WILD[10:20])
    assert text(client, "GET", "/number").split()[1] == "4"


@pytest.mark.parametrize(("path", "connections"), [("/once", 12), ("/thrice", 4)])
def test_a_connection_that_the_server_ends_costs_no_request(client: Any, path: str, connections: int) -> None:
    """After each answer, or after three."""
    assert len({text(client, "GET", path) for _ in range(12)}) == connections


def test_a_connection_that_is_idle_for_too_long_costs_no_request(client: Any) -> None:
    first = text(client, "GET", "/brief")
    await_close(client)
    assert text(client, "POST", "/brief") != first


def test_an_answer_may_come_before_the_body_is_sent(client: Any) -> None:
    """The body is too large: nginx refuses it, and closes the connection while it is being sent."""
    for size in (2_000, 200_000, len(LARGE)):
        for _ in range(5):
            response = client.post("/upload", data=LARGE[:size])
            assert (response.status_code, str(response.error)[-8:]) == (413, "code=413")
            assert text(client, "GET", "/number")


def test_a_server_that_refuses_a_request_fails_that_one_only(client: Any) -> None:
    """A head that is too large, and a connection that is closed without an answer."""
    assert client.get("/number", headers={"X-Large": "x" * 60_000}).status_code == 400
    aborted = client.get("/aborted")
    assert (aborted.status_code, str(aborted.error)) == (
        *(0, "the server closed the connection without an answer"),
    )
    assert text(client, "GET", "/number").split()[1:] == ["1", "GET"]


def test_a_host_may_be_an_address_of_ipv6(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    with nginx(tmp_path, host="::1") as url, visiting(FastUser, host=url) as visitor:
        assert url.startswith("http://[::1]:")
        assert [text(visitor.client, "GET", "/number").split()[1] for _ in range(2)] == ["1", "2"]


def test_an_encrypted_connection_is_used_as_a_plain_one(folder: Path, tmp_path: Path) -> None:
    """Its certificate is checked only if the user class says so."""
    certificate = tmp_path / "certificate.pem"
    trustme.CA().issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    with nginx(folder, certificate) as url:
        with visiting(FastUser, host=url) as visitor:
            client = visitor.client
            answers = [text(client, "POST", "/number", data="a").split() for _ in range(50)]
            assert [number for _, number, _ in answers] == [str(number) for number in range(1, 51)]
            assert client.get("/wild").content == WILD
            assert client.get("/gzip/text").content == TEXT
            assert client.head("/text").status_code == 200
            for _ in range(3):
                assert client.post("/upload", data=LARGE).status_code == 413
            assert len({text(client, "GET", "/once") for _ in range(5)}) == 5
            first = text(client, "GET", "/brief")
            await_close(client)
            assert text(client, "GET", "/brief") != first
        with visiting(FastUser, host=url, insecure=False) as careful:
            response = careful.client.get("/number")
        assert (response.status_code, type(response.error).__name__) == (0, "SSLCertVerificationError")


@pytest.fixture(params=["h11", "httptools"])
def uvicorn_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The client of a FastUser whose host is uvicorn."""
    with (
        uvicorn_server(request.param, keep_alive=1) as url,
        visiting(FastUser, host=url, network_timeout=5.0) as visitor,
    ):
        yield visitor.client


def test_uvicorn_keeps_a_connection(uvicorn_client: Any) -> None:
    """With a length and in chunks; until it is idle for too long."""
    nothing = hashlib.sha256(b"").hexdigest()
    answers = [text(uvicorn_client, "GET", path) for path in ("/", "/chunks") * 50]
    assert len(set(answers)) == 1
    assert answers[0].split()[1:] == ["GET", nothing]
    assert uvicorn_client.head("/").status_code == 200
    assert text(uvicorn_client, "GET", "/") == answers[0]
    await_close(uvicorn_client)
    assert text(uvicorn_client, "GET", "/") != answers[0]


@pytest.mark.parametrize("path", ["/", "/patient"])
def test_uvicorn_receives_a_long_body(uvicorn_client: Any, path: str) -> None:
    """Also where it reads slowly, so that the kernel takes no more for a while."""
    body = os.urandom(3_000_000)
    digest = hashlib.sha256(body).hexdigest()
    answers = [text(uvicorn_client, "POST", path, data=body).split() for _ in range(2)]
    assert [got for *_, got in answers] == [digest, digest]


def test_uvicorn_may_answer_before_it_has_the_body(uvicorn_client: Any) -> None:
    for size in (1, 1_000, 200_000, len(LARGE)):
        for _ in range(3):
            assert uvicorn_client.post("/refused", data=LARGE[:size]).status_code == 413
            assert text(uvicorn_client, "GET", "/")


def test_granian_keeps_a_connection_and_refuses_what_is_too_large(api: Api) -> None:
    """Our API runs on it."""
    with visiting(FastUser, host=api.url) as visitor:
        client = visitor.client
        assert {client.get("/products/1").status_code for _ in range(100)} == {200}
        (connection,) = client._idle[client._origin]
        assert client.post("/orders/", json={"product_id": 1, "quantity": 1}).status_code == 201
        assert client.get("/products/0").status_code == 404
        assert client.head("/products/1").content == b""
        assert client._idle[client._origin] == [connection]
        for _ in range(5):
            too_large = client.post("/orders/", data=LARGE, headers={"Content-Type": "application/json"})
            assert too_large.status_code == 413
            assert client.get("/products/1").status_code == 200
        assert client.get("/", headers={"X-Large": "x" * 1_000_000}).status_code == 431
        assert client.get("/products/1").status_code == 200

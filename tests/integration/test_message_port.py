"""The port of the workers, of a real master: who has the key of the cluster is heard, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from msgspec import to_builtins

from stampede.cluster import identity
from stampede.cluster.master import PING_TIMEOUT
from tests.checkout import wait_until
from tests.integration.test_guard import MasterProcess, running

WORKER = "host_0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MasterProcess]:
    """One whose messages are encrypted."""
    folder = tmp_path_factory.mktemp("master")
    options = ("--web-host", "127.0.0.1", "--master-bind-host", "localhost")
    with running(folder, *options, STAMPEDE_CLUSTER_KEY=str(folder / "key")) as made:
        yield made


@contextmanager
def connected(master: MasterProcess, key: bytes | None, name: str = WORKER) -> Iterator[zmq.Socket[bytes]]:
    """A client of the port, with this key of the cluster."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.setsockopt(zmq.LINGER, 0)
        client.setsockopt(zmq.IDENTITY, name.encode())
        if key is not None:
            client.curve_serverkey = key
            client.curve_publickey, client.curve_secretkey = zmq.curve_keypair()
        client.connect(f"tcp://127.0.0.1:{master.bind_port}")
        yield client


def key_of(master: MasterProcess) -> bytes:
    return (master.key_folder / "public").read_bytes()


def send(client: zmq.Socket[bytes], kind: str, data: Any, name: str = WORKER) -> None:
    client.send(msgpack.packb((kind, data, name)))


def answer(client: zmq.Socket[bytes], seconds: float = 5.0) -> Any:
    """The next message of the master; None where there is none."""
    return msgpack.unpackb(client.recv()) if client.poll(int(seconds * 1000)) else None


def identity_of(master: MasterProcess) -> dict[str, Any]:
    """What a worker sends that is as this master."""
    made: dict[str, Any] = to_builtins(identity.own([str(master.locustfile)]))
    return made


def workers(master: MasterProcess) -> int:
    return int(json.loads(master.ask("GET", "/worker-count").body)["worker_count"])


def logged(master: MasterProcess) -> list[str]:
    return list(json.loads(master.ask("GET", "/logs").body)["master"])


def test_the_keys_are_for_those_who_need_them(master: MasterProcess) -> None:
    assert {file.name: file.stat().st_mode & 0o777 for file in master.key_folder.iterdir()} == {
        "public": 0o644,
        "secret": 0o600,
    }


@pytest.mark.parametrize("key", [None, zmq.curve_keypair()[0]], ids=["none", "another"])
def test_who_does_not_have_the_key_is_not_heard(master: MasterProcess, key: bytes | None) -> None:
    """Nor is the locustfile sent. One line is logged."""
    with connected(master, key) as client:
        for kind, data in (("client_ready", identity_of(master)), ("locustfile", {"version": "2.47.0"})):
            send(client, kind, data)
        assert answer(client, seconds=1.0) is None
    assert workers(master) == 0
    refused = "a client without the key of this cluster was refused as a worker"
    wait_until(lambda: any(refused in line for line in logged(master)), "it is logged")
    assert sum(refused in line for line in logged(master)) == 1


def test_who_has_the_key_joins(master: MasterProcess) -> None:
    with connected(master, key_of(master)) as client:
        send(client, "client_ready", identity_of(master))
        kind, data, name = answer(client)
        assert (kind, name) == ("ack", WORKER)
        assert "index" in data
        wait_until(lambda: workers(master) == 1, "it is counted")
        send(client, "quit", None)
        wait_until(lambda: workers(master) == 0, "it has left")


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("stampede", "another version of Stampede"),
        ("locust", "it has Locust other, the master has"),
        ("locustfile", "another version of the locustfile"),
    ],
)
def test_a_worker_that_differs_is_refused(master: MasterProcess, part: str, reason: str) -> None:
    """It is told why, and the log of the master has it too."""
    with connected(master, key_of(master)) as client:
        send(client, "client_ready", {**identity_of(master), part: "other"})
        kind, data, _ = answer(client)
        assert (kind, reason in data["reason"]) == ("stampede_refused", True)
    assert workers(master) == 0
    assert any("is refused" in line and reason in line for line in logged(master))


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xc1garbage",
        b"\x91" * 2000 + b"\xc0",
        msgpack.packb(5),
        *(
            msgpack.packb((kind, None, WORKER))
            for kind in ("stats", "heartbeat", "exception", "logs", "client_ready")
        ),
        msgpack.packb((["x"], None, WORKER)),
        msgpack.packb(("stats", {"__datetime__": True}, WORKER)),
        msgpack.packb(("client_ready", {"a": 1}, WORKER)),
        msgpack.packb(("client_stopped", [], WORKER)),
        msgpack.packb(("locustfile", 7, WORKER)),
    ],
)
def test_no_message_makes_the_master_deaf(master: MasterProcess, garbage: bytes) -> None:
    with connected(master, key_of(master)) as client:
        client.send(garbage)
        send(client, "client_ready", identity_of(master))
        assert answer(client)[0] == "ack"
        send(client, "quit", None)
        wait_until(lambda: workers(master) == 0, "it has left")
    assert master.ask("GET", "/stampede/health").status == 204


def test_a_message_has_a_limit(master: MasterProcess) -> None:
    """One of 70 MB is not taken into memory, although it can be read; its sender has to connect again."""
    before = peak_memory(master)
    with connected(master, key_of(master)) as client:
        send(client, "logs", {"worker_id": WORKER, "logs": ["y" * (70 << 20)]})
        send(client, "client_ready", identity_of(master))
        kind, *_ = answer(client)
        assert kind == "ack"
        send(client, "quit", None)
    wait_until(lambda: workers(master) == 0, "it has left")
    assert peak_memory(master) - before < 40


def peak_memory(master: MasterProcess) -> int:
    """In MB."""
    status = Path(f"/proc/{master.process.pid}/status").read_text()
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM:"))


def test_the_health_check_is_of_the_messages_too(tmp_path: Path) -> None:
    """A master that reads none is not healthy, although its UI answers."""
    locustfile = """
import gevent
from locust import events
@events.init.add_listener
def deafen(environment, **_):
    environment.runner.server.recv_from_client = gevent.get_hub().join  # the listener waits for ever
"""
    with running(tmp_path, "--web-host", "127.0.0.1", locustfile=locustfile) as deaf:
        wait_until(
            lambda: deaf.ask("GET", "/stampede/health").status == 503, "it is noticed", PING_TIMEOUT + 10
        )
        assert deaf.ask("GET", "/stats/requests").status == 200


BUSY_AT_INIT = """
import gevent
from locust import events

events.init._handlers.insert(0, lambda **_: gevent.sleep(1))
"""


def test_a_worker_may_join_before_the_master_is_ready(tmp_path: Path) -> None:
    """The port is open before the init event. Locust's own handler cannot read an identity."""
    made = MasterProcess(tmp_path, "--web-host", "127.0.0.1", locustfile=BUSY_AT_INIT)
    try:
        with connected(made, None) as worker:
            send(worker, "client_ready", identity_of(made))
            wait_until(made.answers, "the master answers")
            assert answer(worker, 20) is not None
            wait_until(lambda: workers(made) == 1, "the worker has joined")
    finally:
        made.process.terminate()
        made.process.communicate(timeout=30)

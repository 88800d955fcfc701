"""Encrypts the messages between master and workers (ZMQ's CURVE): only workers of this cluster are heard.

The folder STAMPEDE_CLUSTER_KEY has the key in two files. `secret` is for the master alone. `public` is for
the workers: who has it can join. Without the folder nothing is encrypted; then the master should listen on
this machine only.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import gevent
import zmq
from locust.rpc import zmqrpc

from stampede.cluster.messages import MAX_BYTES

logger = logging.getLogger(__name__)

FAILURES = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)

LOG_INTERVAL = 60.0
"""Seconds between two lines about clients that do not have the key."""

Apply = Callable[[zmq.Socket[bytes]], None]
"""A function that sets the options of a socket, before it is bound or connected."""


class KeyFileError(Exception):
    """A file of the key cannot be read or written. The message says which."""


def protect(folder: Path | None) -> None:
    """Encrypt the connections that masters and workers open from now on, with the key in this folder.

    Masters make the key if there is none, and listen on the one address that their host name has. They also
    limit the size of a message. Workers wait until there is a key. Both raise KeyFileError.
    """
    init_socket, init_server = zmqrpc.BaseSocket.__init__, zmqrpc.Server.__init__

    def init_protected(base: zmqrpc.BaseSocket, kind: int, ipv4_only: bool) -> None:
        init_socket(base, kind, ipv4_only)
        if kind == zmq.ROUTER:
            base.socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        if folder is not None:
            _as_master(base.socket, folder) if kind == zmq.ROUTER else _as_worker(base.socket, folder)

    def init_resolved(server: zmqrpc.Server, host: str, port: int) -> None:
        init_server(server, _address(host), port)

    zmqrpc.BaseSocket.__init__, zmqrpc.Server.__init__ = init_protected, init_resolved


def _address(host: str) -> str:
    """Return the address of a host name: ZMQ listens on addresses only."""
    return host if host == "*" else socket.gethostbyname(host)


def _as_master(router: zmq.Socket[bytes], folder: Path) -> None:
    public, secret = master_keys(folder)
    router.curve_server = True
    router.curve_publickey, router.curve_secretkey = public, secret
    monitor = router.get_monitor_socket(FAILURES)
    gevent.spawn(_log_failures, monitor)


def _as_worker(dealer: zmq.Socket[bytes], folder: Path) -> None:
    dealer.curve_serverkey = cluster_key(folder)
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()  # new for each connection


def master_keys(folder: Path) -> tuple[bytes, bytes]:
    """Return the public and the secret key; make them if there are none. Raises KeyFileError."""
    try:
        if not (folder / "secret").exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            public, secret = zmq.curve_keypair()
            _write(folder / "public", public, 0o644)
            _write(folder / "secret", secret, 0o600)
        return (folder / "public").read_bytes(), (folder / "secret").read_bytes()
    except OSError as error:
        raise KeyFileError(f"the key of the cluster cannot be read or written: {error}") from error


def _write(file: Path, content: bytes, mode: int) -> None:
    """Write a file and rename it into place: a worker may be waiting for it."""
    part = file.with_name(f".{file.name}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
        opened.write(content)
    part.rename(file)


def cluster_key(folder: Path) -> bytes:
    """Return the key that workers need; wait until the master has made it. Raises KeyFileError."""
    file, is_logged = folder / "public", False
    while True:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            if not is_logged:
                logger.info("stampede: waiting for the key of the cluster: %s", file)
                is_logged = True
            gevent.sleep(0.2)
        except OSError as error:
            raise KeyFileError(f"the key of the cluster cannot be read: {error}") from error


def _log_failures(monitor: zmq.Socket[bytes]) -> None:
    """Log the connections of clients that do not have the key: one line, and then at most one a minute."""
    failed, logged_at = 0, -LOG_INTERVAL
    while True:
        monitor.recv_multipart()
        failed += 1
        if time.monotonic() - logged_at >= LOG_INTERVAL:
            logger.warning(
                "stampede: a client without the key of this cluster was refused as a worker (%d times)",
                failed,
            )
            failed, logged_at = 0, time.monotonic()


def is_exposed(folder: Path | None, bind_host: str) -> bool:
    """Return whether other machines could join as workers, as nothing is encrypted."""
    if folder is not None:
        return False
    if bind_host == "*":
        return True
    return not ipaddress.ip_address(_address(bind_host)).is_loopback

"""The encryption of one connection, in memory: bytes in, bytes out."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

BLOCK = 16_384
"""Bytes of the longest record."""


class Tls:
    """The client's end of one encrypted connection."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def shake_hands(self, connected: Any) -> None:
        """Exchange keys over a socket of gevent's, which waits. Raises OSError."""
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                connected.sendall(self._outgoing.read())
                self._receive(connected.recv(BLOCK))
            else:
                connected.sendall(self._outgoing.read())
                return

    def _receive(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def encrypted(self, data: bytes) -> bytes:
        """Return what is to be sent for some bytes. Raises OSError."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypted(self, data: memoryview) -> Iterator[memoryview]:
        """Yield the bytes that the server has sent. Raises OSError."""
        self._incoming.write(data)
        while True:
            try:
                plain = self._object.read(BLOCK)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                return
            if not plain:
                return
            yield memoryview(plain)

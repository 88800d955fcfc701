"""One connection to a server: sends the bytes of a request, and waits until the answer is complete.

The event loop watches the connection as long as it is open. So an answer is received as it arrives, without a
greenlet that tries in vain, and the end of a connection that is not in use is noted at once.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

import gevent
from gevent import monkey
from gevent.hub import Waiter
from gevent.socket import create_connection

from stampede.http.origin import Origin
from stampede.http.receiver import RawAnswer, Receiver
from stampede.http.tls import Tls

READ, WRITE = 1, 2
"""What a watcher of the event loop waits for."""

BLOCK = 16_384
"""Bytes that are received at once. To parse as many of the shortest chunks takes less than a ms."""

_buffer = memoryview(bytearray(BLOCK))
"""Used by all connections, one at a time: what is received is parsed at once."""

_Socket = monkey.get_original("socket", "socket")


def was_sent(error: BaseException) -> bool:
    """Return whether the server may have received the request that an exception has ended."""
    return getattr(error, "_was_sent", False)


class Connection:
    """A connection to an origin, for one request at a time."""

    def __init__(
        self, origin: Origin, connect_timeout: float, answer_timeout: float, context: ssl.SSLContext | None
    ) -> None:
        """Connect, within `connect_timeout` seconds. Raises OSError. A `context` encrypts the connection.

        `answer_timeout` is the longest wait for the next bytes of an answer, in seconds.
        """
        limit = gevent.Timeout(connect_timeout)
        try:
            with limit:
                connected, self._tls = _connected(origin, context)
        except gevent.Timeout as over:
            if over is not limit:
                raise
            raise TimeoutError(f"no connection within {connect_timeout:g} s") from None
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = _Socket(fileno=connected.detach())
        self._socket.setblocking(False)
        self._answer_timeout = answer_timeout
        self._receiver = Receiver()
        self._waiter: Any = None  # a Waiter while a request is under way
        self._unsent = memoryview(b"")
        self.is_open = True
        loop = gevent.get_hub().loop
        self._timer = loop.timer(answer_timeout, answer_timeout)
        self._writable = loop.io(self._socket.fileno(), WRITE)
        self._readable = loop.io(self._socket.fileno(), READ)
        self._readable.start(self._receive)

    def exchange(self, request: bytes, is_head: bool, most_of_body: int) -> RawAnswer:
        """Send a request and return its answer, which may have an error; then the connection is closed."""
        self._receiver.begin(is_head, most_of_body)
        waiter: Any = Waiter()
        self._waiter = waiter
        try:
            self._send(request)
            answer: RawAnswer = waiter.get()
        except OSError as error:
            answer = self._receiver.broken(error)
        except BaseException as error:
            error._was_sent = True  # type: ignore[attr-defined]
            self.close()
            raise
        finally:
            self._waiter = None
        self._timer.stop()
        self._receiver.free()
        if self._unsent or not answer.is_reusable:
            self.close()
        return answer

    def close(self) -> None:
        """Close the connection. A second call does nothing."""
        if self.is_open:
            self.is_open = False
            for watcher in (self._readable, self._writable, self._timer):
                watcher.stop()
                watcher.close()
            self._socket.close()
            self._receiver.free()

    def _send(self, request: bytes) -> None:
        """Send a request, or its beginning: the event loop sends the rest. Raises OSError."""
        data = self._tls.encrypted(request) if self._tls else request
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]
            self._writable.start(self._send_rest)
        self._timer.again(self._time_out)

    # What the event loop calls. It must neither wait nor raise.

    def _send_rest(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:  # the server may have answered before, or `_receive` notes the error
            self._writable.stop()
            return
        self._timer.again(self._time_out)
        if not self._unsent:
            self._writable.stop()

    def _receive(self) -> None:
        try:
            size = self._socket.recv_into(_buffer)
            if self._waiter is None:
                self._receive_unasked(size)
            elif size:
                self._feed(_buffer[:size])
            else:
                self._receiver.end()
                self._waiter.switch(self._receiver.answer)
        except BlockingIOError:
            pass
        except OSError as error:
            self._fail(error)

    def _feed(self, data: memoryview) -> None:
        is_complete = False
        if self._tls:
            for plain in self._tls.decrypted(data):
                is_complete = self._receiver.feed(plain)
        else:
            is_complete = self._receiver.feed(data)
        if is_complete:
            self._waiter.switch(self._receiver.answer)
        else:
            self._timer.again(self._time_out)

    def _receive_unasked(self, size: int) -> None:
        """Close a connection that is not in use: it was closed, or has bytes that nobody has asked for."""
        if not self._tls or not size or any(self._tls.decrypted(_buffer[:size])):
            self.close()

    def _time_out(self) -> None:
        self._fail(TimeoutError(f"no answer within {self._answer_timeout:g} s"))

    def _fail(self, error: OSError) -> None:
        if self._waiter is None:
            self.close()
        else:
            self._waiter.throw(error)


def _connected(origin: Origin, context: ssl.SSLContext | None) -> tuple[Any, Tls | None]:
    """Return a socket that is connected to one of the addresses of an origin, and what encrypts it."""
    connected = create_connection((origin.host, origin.port))
    tls = Tls(context, origin.host) if context else None
    try:
        if tls:
            tls.shake_hands(connected)
    except BaseException:
        connected.close()
        raise
    return connected, tls

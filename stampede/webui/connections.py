"""Limits of the connections to the master's web server. They cost memory and files, also without a login."""

from __future__ import annotations

import errno
from collections import Counter
from typing import Any, ClassVar

from gevent import Timeout
from gevent.pywsgi import WSGIHandler, WSGIServer

MOST = 500
"""Connections at the same time. A process may have 1024 open files on many machines."""

MOST_OF_ADDRESS = 100
"""Connections of one address at the same time. A browser opens six."""

HEAD_TIMEOUT = 60.0
"""Seconds for the head of a request, with the wait for it on a connection that is kept open."""

BLOCK_TIMEOUT = 60.0
"""Seconds in which the next bytes of a body must arrive, and those of an answer must leave."""

REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


def limit() -> None:
    """Limit the connections of all web servers of this process, also of those that already serve."""
    WSGIServer.handler_class = LimitedHandler


class LimitedHandler(WSGIHandler):
    """Handles one connection."""

    _open: ClassVar[Counter[str]] = Counter()
    """The number of connections by address."""

    _of_head: Timeout | None = None

    def handle(self) -> None:
        """Answer the requests of the connection until it is closed; close it at once beyond a limit."""
        address = str(self.client_address[0])
        self.socket.settimeout(BLOCK_TIMEOUT)
        if self._open.total() >= MOST or self._open[address] >= MOST_OF_ADDRESS:
            self.socket.sendall(REFUSED)
            self.socket.close()
            return
        self._open[address] += 1
        try:
            super().handle()
        finally:
            self._end_of_head()
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def read_requestline(self) -> str:
        """Return the first line of a request. Raises OSError."""
        self._of_head = Timeout.start_new(
            HEAD_TIMEOUT, TimeoutError("the head of the request is not complete")
        )
        return str(super().read_requestline())

    def read_request(self, raw_requestline: str) -> Any:
        """Read the rest of the head; return whether it is valid. Raises ValueError."""
        try:
            return super().read_request(raw_requestline)
        except OSError as error:
            raise ValueError(str(error)) from error  # which is logged in one line
        finally:
            self._end_of_head()

    def _end_of_head(self) -> None:
        if self._of_head:
            self._of_head.close()
            self._of_head = None

    def _sendall(self, data: bytes) -> None:
        """Send bytes of an answer. Raises OSError; one that is not logged where the client does not read."""
        try:
            super()._sendall(data)  # type: ignore[misc]
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "the client does not read the answer") from error

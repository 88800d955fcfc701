"""The server that all users ask. It knows what was asked, by whom and when: the truth for both sides."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

ASKED = re.compile(r"GET /([\w-]+)/(\d+-\d+)/(\d+) ")


@dataclass(slots=True)
class Request:
    """One that has arrived. Times are seconds of this machine's monotonic clock."""

    user: str
    arrived: float
    answered: float | None = None
    """None while it is in the works, and where nobody waited for the answer."""

    @property
    def worker(self) -> str:
        """The process id of the user's worker."""
        return self.user.partition("-")[0]


class Target:
    """An HTTP server in a thread: ``GET /<cluster>/<user>/<milliseconds until the answer>``.

    What else a master asks, to see that somebody is there or whether there are counters, is not noted.
    """

    def __init__(self) -> None:
        self.port = 0
        self._requests: defaultdict[str, list[Request]] = defaultdict(list)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="target", daemon=True)

    def __enter__(self) -> Target:
        self._thread.start()
        serving = self._loop.create_server(lambda: _Connection(self._requests), "0.0.0.0", 0)  # noqa: S104
        server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self.port = server.sockets[0].getsockname()[1]
        self._server = server
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def requests(self, cluster: str) -> list[Request]:
        """What the users of a cluster have asked so far."""
        return list(self._requests[cluster])


class _Connection(asyncio.Protocol):
    """One of a user's. It asks, waits for the answer, asks again."""

    def __init__(self, requests: defaultdict[str, list[Request]]) -> None:
        self._requests = requests
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            return
        asked, received = ASKED.match(self._received.decode()), self._received
        self._received = b""
        if asked is None:
            self._transport.write(ANSWER if received.startswith(b"HEAD") else NOT_FOUND)
            return
        cluster, user, milliseconds = asked.groups()
        request = Request(user, time.monotonic())
        self._requests[cluster].append(request)
        asyncio.get_running_loop().call_later(int(milliseconds) / 1000, self._answer, request)

    def _answer(self, request: Request) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)
            request.answered = time.monotonic()

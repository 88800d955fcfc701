"""The server that all users ask. It knows what was asked, by whom and when: the truth for both sides."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


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

    HEAD is answered and not noted: it is how a master sees that somebody is there.
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
        method, path, _ = self._received.decode().split(" ", 2)
        self._received = b""
        if method == "HEAD":
            self._transport.write(ANSWER)
            return
        _, cluster, user, milliseconds = path.split("/")
        request = Request(user, time.monotonic())
        self._requests[cluster].append(request)
        asyncio.get_running_loop().call_later(int(milliseconds) / 1000, self._answer, request)

    def _answer(self, request: Request) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)
            request.answered = time.monotonic()

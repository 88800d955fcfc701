"""A client of the master's HTTP API."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from stampede.rig import UsageError

TIMEOUT = 30.0
"""Seconds for an answer: a busy master is slow. A dead one refuses the connection at once."""

REFUSALS = (409, 422)
"""Status codes with which the master refuses a wrong request of the user. Other errors are faults."""

NOT_LOGGED_IN = 401

KEY = "Stampede-Key"
"""The header for the owner's key, with which the rig uses a UI that asks for a login."""

NO_ANSWER = (OSError, http.client.HTTPException, ValueError)
"""Errors for no connection, an incomplete answer, and an answer that is not HTTP or not JSON."""


class MasterGoneError(Exception):
    """The master does not answer, or its answer cannot be used."""


class Master:
    """A client of the master at `url`. `owner_key` reads the key of a UI that asks for a login."""

    def __init__(self, url: str, owner_key: Callable[[], str] | None = None) -> None:
        self.url = url
        self._owner_key = owner_key
        self._headers: dict[str, str] = {}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def worker_count(self) -> int | None:
        """Return the number of workers that have joined; None while the master does not answer."""
        try:
            return int(self._get("/worker-count")["worker_count"])
        except MasterGoneError:
            return None

    def answers_within(self, seconds: float) -> bool:
        """Wait until the master answers. Return False if it does not within this time."""
        deadline = time.monotonic() + seconds
        while self.worker_count() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def start(self, options: dict[str, Any]) -> dict[str, Any]:
        """Start a run and return its planned `users` and `duration` (s).

        Raise UsageError with the master's reason if it refuses the run. An option of None is not sent.
        """
        body = json.dumps({name: value for name, value in options.items() if value is not None}).encode()
        request = urllib.request.Request(
            f"{self.url}/stampede/run", data=body, headers={"Content-Type": "application/json"}
        )
        return self._send(request)

    def run(self) -> dict[str, Any]:
        """Return the state of the newest run: the answer of `GET /stampede/run`."""
        return self._get("/stampede/run")

    def stop(self) -> None:
        """Stop the run in progress."""
        self._open(urllib.request.Request(f"{self.url}/stop", method="POST"))

    def stats(self) -> dict[str, Any]:
        """Return Locust's own statistics, as its UI shows them."""
        return self._get("/stats/requests")

    def _get(self, path: str) -> dict[str, Any]:
        return self._send(urllib.request.Request(self.url + path))

    def _send(self, request: urllib.request.Request) -> dict[str, Any]:
        """Send a request and return its JSON answer."""
        content = self._open(request)
        try:
            answer: dict[str, Any] = json.loads(content)
        except ValueError as error:
            raise self._gone(error) from error
        return answer

    def login_link(self) -> str:
        """Return an address that logs a browser in, once and within a minute."""
        ticket = self._send(urllib.request.Request(f"{self.url}/stampede/ticket", method="POST"))["ticket"]
        return f"{self.url}/stampede/login?ticket={ticket}"

    def _open(self, request: urllib.request.Request, *, may_read_key: bool = True) -> bytes:
        """Send a request, with the owner's key if the master asks for it. Return the body of the answer."""
        for name, value in self._headers.items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            if error.code == NOT_LOGGED_IN and may_read_key and self._owner_key:
                # Again for each run of the master: it has another key after a restart.
                self._headers = {KEY: self._owner_key()}
                return self._open(request, may_read_key=False)
            if error.code in REFUSALS:
                raise UsageError(self._refusal(error)) from error
            raise MasterGoneError(f"the master answered {error.code} to {error.url}") from error
        except NO_ANSWER as error:
            raise self._gone(error) from error

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        """Return the message with which the master refuses a request."""
        try:
            return str(json.loads(error.read())["message"])
        except (*NO_ANSWER, LookupError, TypeError) as unreadable:
            raise self._gone(error) from unreadable

    def _gone(self, error: Exception) -> MasterGoneError:
        cause = str(error).strip()
        return MasterGoneError(
            f"the master at {self.url} does not answer: `make up` starts it again ({cause})"
        )


def wait_for_workers(master: Master, expected: int, seconds: float) -> int:
    """Wait until exactly `expected` workers have joined, or the time is over. Return how many have joined."""
    deadline = time.monotonic() + seconds
    joined = master.worker_count() or 0
    while joined != expected and time.monotonic() < deadline:
        time.sleep(0.2)
        joined = master.worker_count() or 0
    return joined

"""`python run_api.py`, and what it answers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Api:
    """`python run_api.py` as a child."""

    def __init__(self, database_url: str, log: Path | None = None, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        with (log or Path(os.devnull)).open("w") as errors:
            self.process = self._start(database_url, errors if log else None, environment)

    def _start(
        self, database_url: str, errors: TextIO | None, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "run_api.py", "--port", str(self.port)],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": database_url, "API_PROCESSES": "1"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )

    def wait_until_it_answers(self) -> None:
        while True:
            try:
                self.request("GET", "/")
                return
            except ConnectionError:
                if self.process.poll() is not None:
                    raise

    def request(
        self, method: str, path: str, body: Any = None, timeout: float = 20, **headers: str
    ) -> Answer:
        """One request over a connection of its own; `body` is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            sent = None if body is None else json.dumps(body)
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, sent, {"Content-Type": "application/json", **given})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

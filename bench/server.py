"""The target of known speed (server.c): compiled, started, and asked for its counts."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench import HERE, BenchError
from bench.processes import Processes, free_port, wait_until


@dataclass(frozen=True, slots=True)
class Rule:
    """How the server answers requests of a method whose path begins with `prefix`."""

    method: str
    prefix: str
    body: bytes
    status: str = "200 OK"
    delay_ms: float = 0.0

    @property
    def answer(self) -> bytes:
        """Return the whole answer, with the headers that the API sends."""
        head = f"HTTP/1.1 {self.status}\r\ncontent-type: application/json\r\ncontent-length: {len(self.body)}"
        return f"{head}\r\n\r\n".encode() + self.body


class Times(NamedTuple):
    """What the server measured of the answers of a rule: their number, and from request to answer in ms."""

    answers: int
    p50: float
    p95: float
    p99: float


class Server:
    """A server with these rules, as a process of `processes`. Raises BenchError."""

    def __init__(self, processes: Processes, rules: Sequence[Rule]) -> None:
        program = compiled(processes.folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        arguments: list[str] = []
        for number, rule in enumerate(rules):
            file = processes.folder / f"answer-{number}"
            file.write_bytes(rule.answer)
            arguments += [rule.method, rule.prefix, str(int(rule.delay_ms * 1000)), str(file)]
        self.process = processes.start("server", [str(program), str(self.port), *arguments])
        wait_until(self._answers, "the server")

    def _answers(self) -> bool:
        try:
            return self.count() >= 0
        except OSError:
            return False

    def count(self) -> int:
        """Return how many requests it has answered since the last reset."""
        return int(self._ask("count"))

    def times(self) -> list[Times]:
        """Return the times of each rule since the last reset."""
        lines = [line.split() for line in self._ask("times").splitlines()]
        return [Times(int(line[0]), *(int(text) / 1000 for text in line[1:])) for line in lines]

    def reset(self) -> None:
        """Forget what was counted."""
        self._ask("reset")

    def _ask(self, what: str) -> str:
        with urllib.request.urlopen(f"{self.url}/bench/{what}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text


def compiled(folder: Path) -> Path:
    """Return the compiled program, in `folder`. Raises BenchError."""
    program = folder / "server"
    if program.exists():
        return program
    if not shutil.which("cc"):
        raise BenchError("cc is missing, which compiles the server: install gcc")
    done = subprocess.run(
        ["cc", "-O2", "-o", str(program), str(HERE / "server.c")], capture_output=True, text=True
    )
    if done.returncode:
        raise BenchError(f"the server does not compile: {done.stderr.strip()}")
    return program

"""The shop: its database, the API on it, and what the API costs."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.cpu import cpu_seconds_of, family
from bench.processes import Processes, free_port, wait_until
from postgres import embedded

RESTOCK = "UPDATE products SET stock = 1_000_000_000"
"""No order is refused."""


def database(processes: Processes) -> embedded.Server:
    """Start the embedded PostgreSQL, with the seeded catalogue and much stock. Its log is in the folder."""
    server = embedded.Server(processes.folder / "data", processes.folder / "sockets")
    folders = ["--data", str(server.data), "--socket-dir", str(server.socket_dir)]
    process = processes.start("postgres", [sys.executable, "-m", "postgres.embedded", *folders])
    embedded.wait_until_ready(process, server.socket_dir)
    server.psql("-c", RESTOCK)
    return server


class Api:
    """An API that serves the shop on a database, as a process with children."""

    def __init__(
        self,
        processes: Processes,
        name: str,
        command: Sequence[str],
        variables: Mapping[str, str],
    ) -> None:
        """`command` gets the port as its last argument."""
        self.name = name
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        metrics = processes.folder / f"{name}-metrics"
        metrics.mkdir()
        self.process = processes.start(
            name, [*command, str(port)], {"PROMETHEUS_MULTIPROC_DIR": str(metrics), **variables}
        )
        wait_until(self._answers, f"{name} to answer")

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/products/1", timeout=2).close()
        except OSError:
            return False
        return True

    def cpu(self) -> float:
        """Return the CPU time of its processes, in seconds."""
        return cpu_seconds_of(family(self.process.pid))


def ours(processes: Processes, name: str, url: str, api_processes: int = 1) -> Api:
    """Return the shop's own API, with so many processes."""
    command = [sys.executable, "run_api.py", "--host", "127.0.0.1", "--port"]
    return Api(processes, name, command, {"DATABASE_URL": url, "API_PROCESSES": str(api_processes)})


def pgbench(server: embedded.Server, script: Path, seconds: float, clients: int, *options: str) -> str:
    """Return what pgbench prints. Raises CalledProcessError."""
    command = embedded.client_command(server.socket_dir, "pgbench", "--no-vacuum", "--protocol=prepared")
    load = [f"--client={clients}", "--jobs=2", f"--time={seconds:.0f}", f"--file={script}"]
    done = subprocess.run(
        [*command, *load, *options],
        env=embedded.client_environment(),
        text=True,
        check=True,
        capture_output=True,
    )
    return done.stdout

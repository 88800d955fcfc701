"""Fixtures of the tests that bring clusters up: cluster/ and browser/ take them from here."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import Checkout

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def engine() -> None:
    """A container engine; without one the test is skipped."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container engine answers")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """A copy of the project, with ports and names of its own: a cluster that is up stays untouched."""
    # Not pytest's tmp_path: PostgreSQL, which is never root, could not get through to it.
    folder = Path(tempfile.mkdtemp(prefix="stampede-checkout-"))
    folder.chmod(0o755)
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in files.stdout.split("\0"):
        if name and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    ui_port, api_port, master_port = _free_ports(3)
    made = Checkout(folder, ui_port, api_port, master_port)
    try:
        yield made
    finally:
        for runtime in made.used:
            made.make("reset", f"RUNTIME={runtime}")
        if "compose" in made.used:
            made.run("docker", "compose", "down", "--rmi", "local")
        shutil.rmtree(folder)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody holds at this moment, all different."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports

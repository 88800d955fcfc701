"""Fixtures of the tests that bring clusters up: cluster/ and browser/ take them from here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.checkout import Checkout, copied_project


@pytest.fixture(scope="session")
def engine() -> None:
    """A container engine; without one the test is skipped."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no container engine answers")


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """A copy of the project, with ports and names of its own: a cluster that is up stays untouched."""
    with copied_project() as made:
        try:
            yield made
        finally:
            for runtime in made.used:
                made.make("reset", f"RUNTIME={runtime}", "FORCE=1")
            if "compose" in made.used:
                made.run("docker", "compose", "down", "--rmi", "local")

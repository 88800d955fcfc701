"""The choice between containers and processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede.rig import runtime
from stampede.rig.settings import Settings


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An address where no container engine answers."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody-listens.sock")
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)


@pytest.mark.parametrize(("asked_for", "reason"), [("local", "RUNTIME=local"), (None, "no container engine")])
def test_the_name_of_the_local_runtime_has_the_reason(asked_for: str | None, reason: str) -> None:
    """A user who asked for processes is not sent to look for a container engine."""
    assert runtime.choose(Settings(runtime=asked_for)).name == f"processes on this machine ({reason})"

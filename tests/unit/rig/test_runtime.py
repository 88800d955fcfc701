"""The choice between containers and processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
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


def test_a_password_is_no_argument_of_the_restarted_command(tmp_path: Path) -> None:
    """`ps` shows arguments to all users: the Python of .venv gets it in its environment."""
    shutil.copytree("stampede", tmp_path / "stampede", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "postgres").mkdir()
    (tmp_path / "Makefile").write_text("install:\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*; $UI_PASSWORD"\n')
    python.chmod(0o755)
    # -S: without installed packages, as the python3 of most machines.
    command = [sys.executable, "-S", "-m", "stampede", "up", "RUNTIME=local", "UI_PASSWORD=love=lace"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("-m stampede up RUNTIME=local; love=lace\n", "")

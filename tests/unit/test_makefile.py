"""What make does before anything of ours is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With our Makefile in it, and nothing but what that asks for."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(name, tmp_path)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a user types it: a make around this one has no say."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_an_install_that_failed_is_taken_up_again(folder: Path) -> None:
    """It makes .venv before it downloads what belongs there; one that was done rests."""
    downloads = folder / "downloads"
    uv = folder / ".local" / "uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f"#!/bin/sh\nmkdir -p .venv && echo tried >>tries && test -e {downloads}\n")
    uv.chmod(0o755)
    assert make(folder, "install").returncode != 0
    downloads.touch()
    assert make(folder, "install").returncode == 0
    assert make(folder, "install").returncode == 0
    assert (folder / "tries").read_text().count("tried") == 2

"""Locks between commands of one clone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stampede.rig import UsageError, lock

HOLDER = """
import sys, pathlib
from stampede.rig import lock
lock.FOLDER = pathlib.Path(sys.argv[1])
with lock.hold(lock.HEADLESS, "local"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(lock, "FOLDER", tmp_path / ".local")
    return tmp_path / ".local"


@contextmanager
def another_command(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a headless run until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_the_second_command_is_refused_until_the_first_ends(folder: Path) -> None:
    """However it ends: here it is killed."""
    with another_command(folder):
        assert lock.is_held(lock.HEADLESS, "local")
        with (
            pytest.raises(UsageError, match=r"^another `make headless` runs on this cluster"),
            lock.hold(lock.HEADLESS, "local"),
        ):
            pass
    assert not lock.is_held(lock.HEADLESS, "local")
    with lock.hold(lock.HEADLESS, "local"):
        assert lock.is_held(lock.HEADLESS, "local")


def test_another_cluster_and_another_lock_are_free(folder: Path) -> None:
    """Clusters with different names can run at the same time."""
    with (
        another_command(folder),
        lock.hold(lock.HEADLESS, "compose-other"),
        lock.hold(lock.START, "local"),
    ):
        assert not lock.is_held(lock.START, "compose-other")


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    folder.touch()
    with pytest.raises(UsageError, match=r"^\.local cannot be written to: "), lock.hold(lock.START, "local"):
        pass

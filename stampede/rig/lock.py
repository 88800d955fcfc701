"""Locks of a cluster: two commands that would disturb each other do not run at the same time.

=============  ===================================================================
``START``      held while a command starts the cluster
``HEADLESS``   held by a headless run, from its start until the cluster is down
=============  ===================================================================

The kernel frees a lock when its process ends, however it ends.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stampede.rig import ROOT, UsageError
from stampede.rig.private import open_private

FOLDER = ROOT / ".local"

START = "start"
HEADLESS = "headless"

HELD = {
    START: "another command is starting this cluster: wait until it is up",
    HEADLESS: "another `make headless` runs on this cluster: wait for its end, or stop it with Ctrl-C",
}
"""The message where another command holds a lock."""


@contextmanager
def hold(lock: str, cluster: str) -> Iterator[None]:
    """Hold a lock of a cluster for the length of the block. Raise UsageError if another command holds it."""
    path = _path(lock, cluster)
    try:
        FOLDER.mkdir(exist_ok=True)
        file = open_private(path, "a")
    except OSError as error:
        raise UsageError(f"{FOLDER.name} cannot be written to: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(HELD[lock]) from None
        yield


def is_held(lock: str, cluster: str) -> bool:
    """Return whether another command holds a lock of a cluster."""
    try:
        with _path(lock, cluster).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is no such file yet
        return False
    return False


def _path(lock: str, cluster: str) -> Path:
    return FOLDER / f"{lock}-{cluster}.lock"

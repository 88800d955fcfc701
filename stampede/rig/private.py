"""Files that only this user may read and write: settings, logs and the like of a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO


def open_private(path: Path, mode: str = "w") -> IO[str]:
    """Open a text file with mode 0600, whatever the umask is and whatever mode it had. Raise OSError."""
    return open(path, mode, encoding="utf-8", opener=_open)


def _open(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor

"""The git commit of a locustfile, for the report of its run."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

TIMEOUT = 5.0
"""Seconds for git to answer."""


def of_file(file: Path) -> dict[str, str] | None:
    """Return the `commit` of the file's repository, such as `1a2b3c4 + changes`, and the file's `sha256`.

    The changes are those of this file. None where there is no git, no repository, or git does not track the
    file. The hash lets the master see whether it has loaded the file with this content.
    """
    try:
        digest = content_hash(file)
        _git(file, "ls-files", "--error-unmatch", "--", file.name)
        commit = _git(file, "rev-parse", "--short", "HEAD")
        changes = _git(file, "status", "--porcelain", "--", file.name)
    except (OSError, UnicodeDecodeError, subprocess.SubprocessError):
        return None
    return {"commit": commit + (" + changes" if changes else ""), "sha256": digest}


def content_hash(file: Path) -> str:
    """Return the SHA-256 of a file. Raise OSError."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _git(file: Path, *command: str) -> str:
    """Return the output of a git command in the file's folder. Raise OSError or SubprocessError."""
    done = subprocess.run(
        ["git", "-C", str(file.parent), *command], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    return done.stdout.strip()

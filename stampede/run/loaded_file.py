"""The locustfile that the master has loaded, and the commit that it is of.

The rig finds the commit where the file is in a git repository: containers have no git. A file that was
edited after the master's start is not the one that was loaded, so the commit counts only for its content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def content_hash(locustfiles: str | None) -> str | None:
    """Return the SHA-256 of a locustfile; of several (`a.py,b.py`), of the first.

    None where it cannot be read.
    """
    try:
        return hashlib.sha256(Path((locustfiles or "").partition(",")[0]).read_bytes()).hexdigest()
    except OSError:
        return None


def commit(sent: Any, loaded: str | None) -> str | None:
    """Return the commit that was sent with a run; None unless it is of the file with the `loaded` hash."""
    if loaded is None or not isinstance(sent, Mapping) or sent.get("sha256") != loaded:
        return None
    return str(sent["commit"]) if sent.get("commit") else None

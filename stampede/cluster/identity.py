"""What a worker sends of itself when it joins: versions, and the locustfile that it has loaded.

A worker that differs from its master would count in another way, or run other users. It is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from locust import __version__ as locust_version
from msgspec import Struct

STAMPEDE = Path(__file__).resolve().parents[1]


class Identity(Struct, frozen=True):
    """The content of the message with which a worker joins."""

    stampede: str
    """A hash of the code: workers and master may be of different checkouts."""
    locust: str
    locustfile: str
    """A hash of the locustfiles' content."""


def own(locustfiles: Iterable[str] | None) -> Identity:
    """Return the identity of this process, which has loaded these locustfiles: paths of files or folders."""
    paths = [Path(locustfile) for locustfile in locustfiles or ()]
    return Identity(_own_code(), locust_version, _hash(_python_files(paths)))


@cache
def _own_code() -> str:
    return _hash(_python_files([STAMPEDE]))


def _python_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _hash(files: Iterable[Path]) -> str:
    """Return the SHA-256 of the files; one that cannot be read, such as a URL, counts by its name."""
    digest = hashlib.sha256()
    for file in files:
        try:
            content = file.read_bytes()
        except OSError:
            content = str(file).encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def difference(master: Identity, worker: Identity) -> str | None:
    """Return why the master refuses a worker, and what to do; None where both are the same."""
    if worker.stampede != master.stampede:
        return "it has another version of Stampede than the master: `make down`, then `make up` builds both"
    if worker.locust != master.locust:
        return f"it has Locust {worker.locust}, the master has {master.locust}: `make down`, then `make up`"
    if worker.locustfile != master.locustfile:
        return "it has another version of the locustfile than the master: `make restart` loads the newest one"
    return None

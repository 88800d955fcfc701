"""What can go wrong with a request, apart from the operating system's own errors. Texts have no addresses."""

from __future__ import annotations


class AnswerError(OSError):
    """An answer that is beyond a limit or cannot be read. The message is the same for all such answers."""


class NoAnswerError(AnswerError):
    """The connection was closed before a complete answer."""


class RedirectError(AnswerError):
    """A redirect, which this client does not follow."""

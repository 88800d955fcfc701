"""What keeps the audit from judging."""

from __future__ import annotations


class AuditError(Exception):
    """The audit cannot judge; the message is one line that says why."""

"""Errors of the audit."""

from __future__ import annotations


class AuditError(Exception):
    """The audit cannot give a verdict; the message is one line with the reason."""

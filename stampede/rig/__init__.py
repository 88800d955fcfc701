"""Brings the cluster up, scales it, runs it, takes it down."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


class UsageError(Exception):
    """Something the user can mend; the message says what is wrong and what to do. Exit code 2."""

"""The rig: starts the cluster, scales it, drives a run and takes the cluster down."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The folder of this checkout."""


class UsageError(Exception):
    """A mistake that the user can fix: the message says what is wrong and what to do. The exit code is 2."""

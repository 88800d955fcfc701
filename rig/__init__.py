"""Brings the cluster up, scales it, runs it, takes it down."""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  (who starts it may have an older one)
    sys.exit(
        "rig: Python 3.11 or later is needed, this is %d.%d: `make install` gets one, then try again"  # noqa: UP031
        % sys.version_info[:2]
    )

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


class UsageError(Exception):
    """Something the user can mend; the message says what is wrong and what to do. Exit code 2."""

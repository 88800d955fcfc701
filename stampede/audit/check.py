"""What the audit says of the data, check by check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Offender = dict[str, Any]
"""What is wrong (`what`), when (`at`, ISO), and what a person needs to find it."""


class AuditError(Exception):
    """The audit cannot judge; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """`examined`: how much was looked at; `count`: how much of it is wrong, or in doubt if UNKNOWN."""

    name: str
    verdict: str
    examined: int
    count: int
    detail: str
    first: Offender | None = None
    worst: Offender | None = None

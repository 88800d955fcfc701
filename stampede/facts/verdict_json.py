"""``verdict.json``: the verdict on a run, check by check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

Colour = Literal["green", "yellow", "red"]
"""Green: at least a fifth of the limit is left. Yellow: near the limit. Red: beyond it."""

Offender = dict[str, Any]
"""One thing that is wrong: a description (`what`), a time (`at`, ISO 8601), and keys to find it by."""


class Verdict(StrEnum):
    """The verdict on a check, on a part or on a run."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    """It was required, and could not be decided."""
    NOT_ASKED = "NOT_ASKED"
    """It was not required, and does not count."""


WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_ASKED)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts; NOT_ASKED where there are none."""
    given = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in given), Verdict.NOT_ASKED)


class Check(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One statement about a run, and whether it holds."""

    name: str
    verdict: Verdict
    detail: str = ""
    """An explanation for people."""
    examined: int | None = None
    """Number of things that were examined."""
    count: int | None = None
    """Number of those things that are wrong, or in doubt where the verdict is UNKNOWN."""
    actual: float | None = None
    """What was measured, in `unit`."""
    figure: str | None = None
    """The measured figure as text, with its unit: ``4.12 ms``."""
    limit: str | None = None
    """The limit as text, with comparison and unit: ``< 200 ms``."""
    unit: str = ""
    """``ms``, ``s``, ``/s``, ``%``, ``MB``, or nothing for a number."""
    colour: Colour | None = None
    """How near the figure is to its limit; only targets have a colour."""
    optional: bool = False
    """Whether this is a target that is only shown, and does not affect the verdict."""
    aborted: bool = False
    """Whether this is a target that ended the run."""
    first: Offender | None = None
    worst: Offender | None = None

    @property
    def offenders(self) -> dict[str, Offender]:
        """Return the first and the worst offender; only the first where both are the same."""
        both = {"first": self.first, "worst": None if self.worst == self.first else self.worst}
        return {which: offender for which, offender in both.items() if offender}


class Part(Struct, frozen=True):
    """One part of the verdict: CORRECT, FAST or VALID."""

    verdict: Verdict
    checks: list[Check]

    @classmethod
    def of(cls, checks: list[Check]) -> Part:
        """Return a part with these checks and the worst of their verdicts."""
        return cls(worst(check.verdict for check in checks), checks)


class RunSummary(Struct, kw_only=True, frozen=True):
    """A short description of the run."""

    id: str
    profile: str | None
    users: int
    workers: int
    host: str | None
    started_at: datetime
    window_s: int | None
    """The length of the window in seconds; None where the run has no window."""
    rps: float | None
    """Requests per second in the window."""
    requests: int
    failures: int
    outcomes: dict[str, dict[str, int]]
    """``{"POST /orders/": {"201": 600}}``; status ``"0"`` is a request without a complete answer."""


class Judgement(Struct, kw_only=True, frozen=True):
    """The content of ``verdict.json``."""

    verdict: Verdict
    exit_code: int | None
    """0, 10, 11 or 12; None while the run is in progress."""
    correct: Part
    fast: Part
    valid: Part
    run: RunSummary

    @property
    def parts(self) -> dict[str, Part]:
        """Return the parts by name, in the order in which they are shown."""
        return {"correct": self.correct, "fast": self.fast, "valid": self.valid}

    @property
    def checks(self) -> list[Check]:
        """Return the checks of all parts."""
        return [check for part in self.parts.values() for check in part.checks]

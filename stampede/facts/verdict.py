"""``verdict.json``: what a run was judged to be, check by check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

Colour = Literal["green", "yellow", "red"]
"""Green: a fifth of the limit is left. Yellow: near the limit. Red: beyond it."""

Offender = dict[str, Any]
"""One thing that is wrong: in words (`what`), when (`at`, ISO 8601), and what a person needs to find it."""


class Verdict(StrEnum):
    """Of a check, of a part, and of a run."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    """It was promised, and could not be decided."""
    NOT_ASKED = "NOT_ASKED"
    """No one promised it. It counts nowhere."""


WORST_FIRST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_ASKED)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on all of them together; NOT_ASKED where there is none."""
    found = set(verdicts)
    return next((each for each in WORST_FIRST if each in found), Verdict.NOT_ASKED)


class Check(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One statement about a run, and whether it holds."""

    name: str
    verdict: Verdict
    detail: str = ""
    """In words."""
    examined: int | None = None
    """How many things were looked at."""
    count: int | None = None
    """How many of them are wrong, or in doubt where the verdict is UNKNOWN."""
    actual: float | None = None
    """What was measured, in `unit`."""
    figure: str | None = None
    """The same as text, with its unit: ``4.12 ms``."""
    limit: str | None = None
    """Its limit with comparison and unit: ``< 200 ms``."""
    unit: str = ""
    """``ms``, ``s``, ``/s``, ``%``, ``MB``, or nothing for a number."""
    colour: Colour | None = None
    """How near to its limit the figure is; only targets have it."""
    optional: bool = False
    """A target that is shown, and decides nothing."""
    aborted: bool = False
    """A target that ended the run."""
    first: Offender | None = None
    worst: Offender | None = None

    @property
    def offenders(self) -> dict[str, Offender]:
        """Return the first and the worst of what is wrong; the first alone where it is the worst."""
        found = {"first": self.first, "worst": None if self.worst == self.first else self.worst}
        return {which: offender for which, offender in found.items() if offender}


class Part(Struct, frozen=True):
    """CORRECT, FAST or VALID."""

    verdict: Verdict
    checks: list[Check]

    @classmethod
    def of(cls, checks: list[Check]) -> Part:
        """Return the part that these checks make."""
        return cls(worst(check.verdict for check in checks), checks)


class RunSummary(Struct, kw_only=True, frozen=True):
    """What was run, in short."""

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
    """All of ``verdict.json``."""

    verdict: Verdict
    exit_code: int | None
    """0, 10, 11 or 12; None while the run goes on."""
    correct: Part
    fast: Part
    valid: Part
    run: RunSummary

    @property
    def parts(self) -> dict[str, Part]:
        """Return the parts by their names, in the order in which they are shown."""
        return {"correct": self.correct, "fast": self.fast, "valid": self.valid}

    @property
    def checks(self) -> list[Check]:
        """Return the checks of all parts."""
        return [check for part in self.parts.values() for check in part.checks]

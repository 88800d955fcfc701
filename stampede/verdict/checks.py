"""Makes checks: each function here returns one kind of check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from stampede.facts.target import COMPARISONS
from stampede.facts.verdict_json import Check, Verdict


def fail_unless(name: str, holds: bool, detail: str) -> Check:
    """Return a check that is PASS where it holds, else FAIL."""
    return Check(name=name, verdict=Verdict.PASS if holds else Verdict.FAIL, detail=detail)


def fail_if_any(name: str, count: int, detail: str) -> Check:
    """Return a check of something that must not occur: FAIL where its count is not 0."""
    return Check(name=name, verdict=Verdict.FAIL if count else Verdict.PASS, count=count, detail=detail)


def unknown_unless(name: str, holds: bool, detail: str, **figures: Any) -> Check:
    """Return a check of the run itself: PASS where it holds, else UNKNOWN, as the run then proves nothing."""
    return Check(name=name, verdict=Verdict.PASS if holds else Verdict.UNKNOWN, detail=detail, **figures)


def not_asked(name: str, detail: str) -> Check:
    """Return a check that is not required or cannot be made; `detail` explains how to have it made."""
    return Check(name=name, verdict=Verdict.NOT_ASKED, detail=detail)


def with_promise(check: Check, promises: Mapping[str, str]) -> Check:
    """Return the check; as UNKNOWN where it is NOT_ASKED although a user class promises it."""
    promised_by = promises.get(check.name)
    if check.verdict is not Verdict.NOT_ASKED or promised_by is None:
        return check
    return replace(check, verdict=Verdict.UNKNOWN, detail=f"{check.detail}, which {promised_by} promises")


def measured(actual: float, operator: str, limit: float, unit: str) -> dict[str, Any]:
    """Return the fields of a check that has a figure and a limit, both in `unit`."""
    return {
        "actual": float(f"{actual:.6g}"),
        "figure": _shown(actual, operator, limit) + after_number(unit),
        "limit": in_words(operator, limit, unit),
        "unit": unit,
    }


def in_words(operator: str, limit: float, unit: str) -> str:
    """Return a limit as text, such as ``< 1,000 ms``."""
    return f"{operator} {limit:,.10g}{after_number(unit)}"


def after_number(unit: str) -> str:
    """Return a unit as it is written after a number: ``500/s``, ``200 ms``."""
    return unit if unit in ("", "/s") else f" {unit}"


def _shown(actual: float, operator: str, limit: float) -> str:
    """Return a figure as text, with three significant digits or all digits before the point.

    It has all digits where rounding would move it to the other side of the limit.
    """
    short = f"{actual:,.0f}" if abs(actual) >= 100 else f"{actual:.3g}"
    is_met = COMPARISONS[operator]
    if is_met(float(short.replace(",", "")), limit) == is_met(actual, limit):
        return short
    return f"{actual:,.10g}"

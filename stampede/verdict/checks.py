"""The kinds of check that the parts of the verdict make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from stampede.facts.target import COMPARISONS
from stampede.facts.verdict import Check, Verdict


def limit(name: str, is_kept: bool, detail: str) -> Check:
    """Return a check of the target: PASS where its limit is kept, else FAIL."""
    return Check(name=name, verdict=Verdict.PASS if is_kept else Verdict.FAIL, detail=detail)


def none_of(name: str, count: int, detail: str) -> Check:
    """Return a check of something that must not occur: FAIL where it has a count."""
    return Check(name=name, verdict=Verdict.FAIL if count else Verdict.PASS, count=count, detail=detail)


def trusted(name: str, holds: bool, detail: str, **figures: Any) -> Check:
    """Return a check of the run itself: UNKNOWN where it does not hold, as the run then shows nothing."""
    return Check(name=name, verdict=Verdict.PASS if holds else Verdict.UNKNOWN, detail=detail, **figures)


def not_asked(name: str, detail: str) -> Check:
    """Return a check that no one promised, or that cannot be made; `detail` says how to have it made."""
    return Check(name=name, verdict=Verdict.NOT_ASKED, detail=detail)


def held_to(check: Check, promises: Mapping[str, str]) -> Check:
    """Return the check, as UNKNOWN where a user class promised what it did not find."""
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
    """Return a limit as text: ``< 1,000 ms``."""
    return f"{operator} {limit:,.10g}{after_number(unit)}"


def after_number(unit: str) -> str:
    """Return a unit as it stands behind a number: ``500/s``, ``200 ms``."""
    return unit if unit in ("", "/s") else f" {unit}"


def _shown(actual: float, operator: str, limit: float) -> str:
    """To three digits, and every whole one; to all, where so few would be on the other side of the limit."""
    few = f"{actual:,.0f}" if abs(actual) >= 100 else f"{actual:.3g}"
    is_met = COMPARISONS[operator]
    if is_met(float(few.replace(",", "")), limit) == is_met(actual, limit):
        return few
    return f"{actual:,.10g}"

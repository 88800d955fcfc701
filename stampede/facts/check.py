"""What a check is: one statement about a run, and whether it holds.

A JSON object with at least ``name`` and ``verdict``, and mostly a ``detail`` in words. It is PASS, FAIL,
UNKNOWN (promised, and could not be decided) or NOT_ASKED (nobody promised it; counted nowhere).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

VERDICTS = PASS, FAIL, UNKNOWN, NOT_ASKED = "PASS", "FAIL", "UNKNOWN", "NOT_ASKED"

Check = dict[str, Any]
Facts = Mapping[str, Any]
"""``run.json``."""


def limit(name: str, is_kept: bool, detail: str) -> Check:
    """Of the target: kept, or not."""
    return {"name": name, "verdict": PASS if is_kept else FAIL, "detail": detail}


def none_of(name: str, count: int, detail: str) -> Check:
    """Something of which there must be none."""
    return {"name": name, "verdict": FAIL if count else PASS, "count": count, "detail": detail}


def trusted(name: str, holds: bool, detail: str, **figures: Any) -> Check:
    """Of the run: it holds, or what the run shows is not known."""
    return {"name": name, "verdict": PASS if holds else UNKNOWN, "detail": detail, **figures}


def not_asked(name: str, detail: str) -> Check:
    """Nobody promised it, or nobody can tell; `detail` says how to have it asked."""
    return {"name": name, "verdict": NOT_ASKED, "detail": detail}


def held_to(check: Check, promises: Mapping[str, str]) -> Check:
    """What a scenario promised to bring about must have been there to be looked at."""
    scenario = promises.get(check["name"])
    if check["verdict"] != NOT_ASKED or scenario is None:
        return check
    return {**check, "verdict": UNKNOWN, "detail": f"{check['detail']}, which {scenario} promises"}


def moment(event: Mapping[str, Any]) -> datetime:
    """When it was: `at` is seconds since the epoch, in ``run.json`` ISO 8601."""
    at = event["at"]
    return datetime.fromisoformat(at) if isinstance(at, str) else datetime.fromtimestamp(at, UTC)
